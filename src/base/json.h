#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sd {

/// How deep a JSON text may nest and how many values it may hold. nlohmann's tree is copied and
/// written by functions that call themselves once a level, so that depth costs stack.
struct JsonLimits {
  size_t depth = 64;
  size_t values = 100'000;
};

/// The text as a tree. The result `is_discarded()` where the text is no JSON or is beyond the
/// limits, which is found out before a tree is built. Throws nothing.
nlohmann::json parse_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace sd
