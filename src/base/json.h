#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
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

/// The JSON object in a small file; empty where there is none.
nlohmann::json read_json_object(const std::filesystem::path& path);

/// A whole number of an object; 0 where it has none.
int64_t whole_number_in(const nlohmann::json& object, const char* key);

/// What an exception of the library says, without the name of its kind: "key 'version' not found".
std::string reason_of(const nlohmann::json::exception& error);

}  // namespace sd
