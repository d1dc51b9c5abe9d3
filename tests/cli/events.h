#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sd::test {

/// Those of the program's events (--progress-fd, --serve) that are of this kind.
inline std::vector<nlohmann::json> of_kind(const std::vector<nlohmann::json>& events,
                                           const std::string& kind) {
  std::vector<nlohmann::json> some;
  for (const nlohmann::json& event : events) {
    if (event.at("event") == kind) some.push_back(event);
  }
  return some;
}

}  // namespace sd::test
