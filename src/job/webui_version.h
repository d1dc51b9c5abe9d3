#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace sd::job {

/// A version as the web UI writes it, "v1.7.0-225-gabcdef12": numbers, and where it stands among
/// those with the same numbers.
struct WebUiVersion {
  std::vector<int> numbers;  ///< without zeros at the end
  int place = 0;             ///< below 0: before the release; above: commits after it and 1

  // NOLINTNEXTLINE(modernize-use-nullptr): the 0 that it finds is the compiler's
  auto operator<=>(const WebUiVersion&) const = default;
};

/// Nothing where it is no such version (a fork's, another program's).
std::optional<WebUiVersion> parse_webui_version(std::string_view text);

}  // namespace sd::job
