#include "job/foreign/loose_json.h"

#include <cctype>
#include <cmath>

#include "base/json.h"
#include "base/strings.h"
#include "job/infotext.h"
#include "job/setting_values.h"
#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

using nlohmann::json;

/// Python's words for numbers that JSON does not have.
std::string_view odd_number_at(std::string_view text) {
  for (const std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
    if (text.starts_with(word)) return word;
  }
  return {};
}

/// A trailing ".0" of a whole number is dropped: Python writes floats so.
std::string whole_text(const json& value) {
  std::string text(strip(value.is_string() ? value.get_ref<const std::string&>()
                                           : std::string_view(value.dump())));
  if (text.ends_with(".0")) text.erase(text.size() - 2);
  return text;
}

}  // namespace

json parse_python_json(std::string_view text) {
  std::string strict;
  strict.reserve(text.size());
  bool quoted = false;
  for (size_t i = 0; i < text.size();) {
    const std::string_view odd = quoted ? "" : odd_number_at(text.substr(i));
    if (!odd.empty()) {
      strict += "null";
      i += odd.size();
      continue;
    }
    if (quoted && text[i] == '\\' && i + 1 < text.size())
      strict += text[i++];
    else if (text[i] == '"')
      quoted = !quoted;
    strict += text[i++];
  }
  return parse_json(strict);
}

json parse_object(std::string_view text) {
  json parsed = parse_python_json(text);
  if (parsed.is_object()) return parsed;
  throw Error(ErrorKind::kFile, "not a record",
              "its JSON ends early, is damaged, or is too large or too deep");
}

bool looks_like_object(std::string_view text) { return strip(text).starts_with('{'); }

const json& member(const json& object, std::string_view key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::optional<double> number_in(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto number =
      values::decimal<double>(std::string(strip(value.get_ref<const std::string&>())));
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<int64_t> whole_in(const json& value) {
  if (!value.is_number() && !value.is_string()) return std::nullopt;
  return values::decimal<int64_t>(whole_text(value));
}

std::optional<uint64_t> seed_in(const json& value) {
  if (!value.is_number() && !value.is_string()) return std::nullopt;
  const std::string text = whole_text(value);
  if (const auto seed = values::decimal<uint64_t>(text)) return seed;
  const auto negative = values::decimal<int64_t>(text);
  return negative ? std::optional(static_cast<uint64_t>(*negative)) : std::nullopt;
}

std::optional<std::string> text_in(const json& value) {
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

std::optional<std::string> translate(std::span<const NamePair> names, const std::string& name,
                                     const char* what, std::vector<std::string>* cannot) {
  for (const NamePair& pair : names) {
    if (name == pair.theirs && pair.ours != nullptr) return pair.ours;
  }
  cannot->push_back("its " + std::string(what) + " " + printable(name, 60));
  return std::nullopt;
}

void set_size(std::string_view text, ForeignRecord* record) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < text.size() && numbers.size() < 3;) {
    size_t end = i;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    const auto number = values::decimal<int64_t>(std::string(text.substr(i, end - i)));
    if (number) numbers.push_back(*number);
    i = end + 1;
  }
  if (numbers.size() != 2) return;
  record->width = numbers[0];
  record->height = numbers[1];
}

void take_loras(ForeignRecord* record) {
  if (!record->prompt) return;
  std::vector<text::NetworkUse> networks;
  try {
    record->prompt = text::cut_networks(*record->prompt, &networks);
  } catch (const Error& error) {
    record->cannot.emplace_back(error.what());
  }
  for (const text::NetworkUse& use : networks) {
    if (use.kind != "lora" && use.kind != "lyco") {
      record->cannot.push_back("a network of the kind " + printable(use.kind, 60));
      continue;
    }
    ForeignLora lora = {.name = use.name, .weight = use.unet_strength, .text_weight = {}};
    if (use.text_strength != use.unet_strength) lora.text_weight = use.text_strength;
    record->loras.push_back(lora);
  }
}

}  // namespace sd::job
