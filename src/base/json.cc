#include "base/json.h"

#include "base/text_file.h"

namespace sd {
namespace {

/// Counts brackets and separators outside of strings. A text that is no JSON is counted, too; the
/// parser refuses it afterwards.
bool is_within(std::string_view text, const JsonLimits& limits) {
  size_t depth = 0, values = 1;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    quoted = c == '"';
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == '[' || c == '{' || c == ',') ++values;
    if (depth > limits.depth || values > limits.values) return false;
  }
  return true;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const JsonLimits& limits) {
  if (!is_within(text, limits)) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  constexpr size_t kMostBytes = size_t{1} << 20;
  std::string problem;
  const auto text = read_text_file(path, kMostBytes, &problem);
  nlohmann::json value = text ? parse_json(*text) : nlohmann::json();
  return value.is_object() ? value : nlohmann::json::object();
}

int64_t whole_number_in(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::string reason_of(const nlohmann::json::exception& error) {
  const std::string text = error.what();  // "[json.exception.…] key 'version' not found"
  const size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace sd
