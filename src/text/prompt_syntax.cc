#include "text/prompt_syntax.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "base/strings.h"
#include "sd/error.h"
#include "text/prompt_chars.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

using View = std::u32string_view;

/// "text : 0.5" → text and weight. White space behind the text is dropped, that before it stays.
PromptPart weighed_part(View text) {
  const View trimmed = without_space_behind(text);
  const size_t colon = trimmed.rfind(U':');
  if (colon != View::npos) {
    const View number = without_space_around(trimmed.substr(colon + 1));
    const bool has_exponent = number.find_first_of(U"eE") != View::npos;
    const auto weight = has_exponent ? std::nullopt : read_decimal(number);
    if (weight) return {to_utf8(without_space_behind(trimmed.substr(0, colon))), *weight};
  }
  return {to_utf8(trimmed), 1.0};
}

std::vector<PromptPart> split_parts(View text) {
  constexpr View kAnd = U"AND";
  std::vector<PromptPart> parts;
  size_t begin = 0;
  for (const size_t at : find_whole_words(text, kAnd)) {
    parts.push_back(weighed_part(text.substr(begin, at - begin)));
    begin = at + kAnd.size();
  }
  parts.push_back(weighed_part(text.substr(begin)));
  return parts;
}

std::vector<View> split(View text, char32_t separator) {
  std::vector<View> items;
  size_t begin = 0;
  for (size_t at; (at = text.find(separator, begin)) != View::npos; begin = at + 1) {
    items.push_back(text.substr(begin, at - begin));
  }
  items.push_back(text.substr(begin));
  return items;
}

[[noreturn]] void bad_item(View use, View value, const char* expected) {
  throw Error(ErrorKind::kUsage,
              fmt::format("\"{}\" is no {} in <{}>", printable(to_utf8(value), 60), expected,
                          printable(to_utf8(use), 120)),
              "write for example <lora:name:0.8>, or <lora:name:0.8:0.5:4> for text encoder, UNet "
              "and so many ranks");
}

/// What stands between < and >, its items between colons, some of them "key=value".
class NetworkItems {
 public:
  NetworkItems(View use, View items) : use_(use) {
    for (const View item : split(items, U':')) {
      const std::vector<View> sides = split(item, U'=');
      if (sides.size() == 2) {
        named_.emplace_back(sides[0], sides[1]);
      } else {
        placed_.push_back(item);
      }
    }
  }

  View name() const { return placed_.empty() ? View() : placed_.front(); }

  /// The number under this key, else at this place, else nothing.
  std::optional<double> number(View key, size_t place) const {
    const auto text = find(key, place);
    if (!text) return std::nullopt;
    const auto number = read_decimal(without_space_around(*text));
    if (!number) bad_item(use_, *text, "number");
    return number;
  }

  /// A number of ranks, or nothing if the item is absent.
  std::optional<int64_t> ranks(View key, size_t place) const {
    const auto number = this->number(key, place);
    if (!number) return std::nullopt;
    const bool is_rank = *number >= 1 && *number <= 1e6 && *number == std::floor(*number);
    if (!is_rank) bad_item(use_, *find(key, place), "whole number of ranks");
    return static_cast<int64_t>(*number);
  }

  /// Throws where something stands at this place or behind it.
  void end_at(size_t place) const {
    if (placed_.size() > place) bad_item(use_, placed_[place], "strength");
  }

 private:
  std::optional<View> find(View key, size_t place) const {
    const auto named = std::find_if(named_.rbegin(), named_.rend(),
                                    [&](const auto& entry) { return entry.first == key; });
    if (named != named_.rend()) return named->second;
    return place < placed_.size() ? std::optional(placed_[place]) : std::nullopt;
  }

  View use_;
  std::vector<View> placed_;
  std::vector<std::pair<View, View>> named_;
};

NetworkUse network_use(View kind, View items, View whole) {
  NetworkUse use{.kind = to_utf8(kind), .name = {}, .rank = {}};
  const NetworkItems given(whole, items);
  use.name = to_utf8(given.name());
  if (use.kind != "lora" && use.kind != "lyco") return use;
  use.text_strength = given.number(U"te", 1).value_or(1.0);
  use.unet_strength = given.number(U"unet", 2).value_or(use.text_strength);
  use.rank = given.ranks(U"dyn", 3);
  given.end_at(4);
  return use;
}

/// Takes each `<word:…>` out of the text. White space around it stays.
std::u32string cut_networks(View text, std::vector<NetworkUse>* networks) {
  std::u32string rest;
  size_t kept = 0;
  for (size_t open; (open = text.find(U'<', kept)) != View::npos;) {
    size_t colon = open + 1;
    while (colon < text.size() && is_word_char(text[colon])) ++colon;
    const bool has_kind = colon > open + 1 && colon + 1 < text.size() && text[colon] == U':' &&
                          text[colon + 1] != U'>';
    const size_t close = has_kind ? text.find(U'>', colon) : View::npos;
    rest += text.substr(kept, open - kept);
    if (close == View::npos) {
      rest += U'<';
      kept = open + 1;
      if (has_kind) break;  // no '>' follows any more
      continue;
    }
    networks->push_back(network_use(text.substr(open + 1, colon - open - 1),
                                    text.substr(colon + 1, close - colon - 1),
                                    text.substr(open + 1, close - open - 1)));
    kept = close + 1;
  }
  rest += text.substr(kept);
  return rest;
}

}  // namespace

std::string cut_networks(std::string_view utf8, std::vector<NetworkUse>* networks) {
  check_prompt(utf8);
  return to_utf8(cut_networks(from_utf8(utf8), networks));
}

std::vector<PromptPart> split_at_and(std::string_view utf8) {
  check_prompt(utf8);
  return split_parts(from_utf8(utf8));
}

bool looks_like_webui(std::string_view utf8) {
  static const std::regex kWebUi(
      R"([(\[][^()\[\]]*:\s*[-+]?[0-9]*\.?[0-9]+\s*[)\]]|[^\s]\s+(AND|BREAK)\s+[^\s]|<(lora|lyco|hypernet):[^<>]+>)");
  constexpr size_t kLooked = 4096;  // std::regex takes stack for each character
  const std::string begin(utf8.substr(0, kLooked));
  return std::regex_search(begin, kWebUi);
}

ParsedPrompt parse_prompt(std::string_view utf8, PromptSyntax syntax) {
  check_prompt(utf8);
  if (syntax == PromptSyntax::kPlain) return {{{std::string(utf8), 1.0}}, {}};
  ParsedPrompt parsed;
  parsed.parts = split_parts(cut_networks(View(from_utf8(utf8)), &parsed.networks));
  return parsed;
}

}  // namespace sd::text
