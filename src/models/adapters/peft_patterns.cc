#include "models/adapters/peft_patterns.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/strings.h"

namespace sd::models {

/// A text that a regular expression without groups and sets stands for: characters, each with how
/// often it may come.
struct PatternPart {
  char character = 0;  ///< 0: any
  bool may_lack = false;
  bool repeats = false;
};

namespace {

/// The longest pattern of an object that is looked at as a regular expression, and how many are.
constexpr size_t kMostPatternBytes = 256;
constexpr size_t kMostPatterns = 64;

/// Whether a backslash before the character makes it stand for itself.
bool is_escaped(char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }

/// Nothing for an expression with more in it.
std::optional<std::vector<PatternPart>> parts_of_pattern(std::string_view pattern) {
  std::vector<PatternPart> parts;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*' || c == '+' || c == '?') {
      if (parts.empty()) return std::nullopt;
      parts.back().may_lack = parts.back().may_lack || c != '+';
      parts.back().repeats = parts.back().repeats || c != '?';
    } else if (c == '\\' && i + 1 < pattern.size() && is_escaped(pattern[i + 1])) {
      parts.push_back({.character = pattern[++i]});
    } else if (std::string_view("\\()[]{}|^$").find(c) != std::string_view::npos) {
      return std::nullopt;
    } else {
      parts.push_back({.character = c == '.' ? '\0' : c});
    }
  }
  return parts;
}

/// Whether the parts stand for the whole text. All places are followed at once.
bool stands_for(const std::vector<PatternPart>& parts, std::string_view text) {
  std::vector<bool> at(parts.size() + 1, false), next;
  const auto enter = [&](std::vector<bool>* places, size_t place) {
    for (size_t i = place; i <= parts.size(); ++i) {
      (*places)[i] = true;
      if (i == parts.size() || !parts[i].may_lack) break;
    }
  };
  enter(&at, 0);
  for (const char c : text) {
    next.assign(parts.size() + 1, false);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!at[i] || (parts[i].character != 0 && parts[i].character != c)) continue;
      if (parts[i].repeats) next[i] = true;
      enter(&next, i + 1);
    }
    std::swap(at, next);
  }
  return at.back();
}

/// The ends of a name that begin behind a dot, the longest first; where a pattern may begin
/// anywhere, the whole name before them.
std::vector<std::string_view> ends_of(std::string_view name, PatternBegin begin) {
  std::vector<std::string_view> ends;
  if (begin == PatternBegin::kAnywhere) ends.push_back(name);
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    name.remove_prefix(dot + 1);
    ends.push_back(name);
  }
  return ends;
}

}  // namespace

struct PeftPatterns::Pattern {
  std::string text;
  double value = 0;
  bool whole = false;              ///< an expression of a name; else of an end of one
  std::vector<PatternPart> parts;  ///< of an expression

  bool fits(std::string_view layer, PatternBegin begin) const {
    if (whole) return begin == PatternBegin::kAnywhere && stands_for(parts, layer);
    const auto ends = ends_of(layer, begin);
    return std::any_of(ends.begin(), ends.end(),
                       [this](std::string_view end) { return stands_for(parts, end); });
  }
};

PeftPatterns::PeftPatterns(const nlohmann::json& config, const std::string& key,
                           std::vector<std::string>* faults) {
  const auto found = config.find(key);
  if (found == config.end() || !found->is_object()) return;
  for (const auto& [text, value] : found->items()) {
    if (!value.is_number()) continue;
    const size_t place = patterns_.size();
    patterns_.push_back({.text = text, .value = value.get<double>(), .whole = false, .parts = {}});
    places_.emplace(text, place);
    const bool is_plain = text.find_first_of("*+?\\^$()[]{}|") == std::string::npos;
    if (!is_plain) add_expression(place, key, faults);
  }
}

PeftPatterns::~PeftPatterns() = default;

void PeftPatterns::add_expression(size_t place, const std::string& key,
                                  std::vector<std::string>* faults) {
  Pattern& one = patterns_[place];
  std::string_view text = one.text;
  one.whole = text.starts_with('^');
  if (one.whole) text.remove_prefix(1);
  if (text.ends_with('$')) text.remove_suffix(1);
  const auto parts = text.size() <= kMostPatternBytes ? parts_of_pattern(text) : std::nullopt;
  if (!parts || expressions_.size() >= kMostPatterns) {
    faults->push_back("expected names of layers in " + key + ", found the expression " +
                      printable(one.text, 60) + ", which this program does not read");
    return;
  }
  one.parts = *parts;
  expressions_.push_back(place);
}

std::vector<size_t> PeftPatterns::places_of(std::string_view layer, PatternBegin begin) const {
  std::vector<size_t> places;
  // By ends, not pattern by pattern: a file may have as many of them as layers.
  for (const std::string_view end : ends_of(layer, begin)) {
    const auto found = places_.find(end);
    if (found != places_.end()) places.push_back(found->second);
  }
  for (const size_t place : expressions_) {
    if (patterns_[place].fits(layer, begin)) places.push_back(place);
  }
  const auto whole = places_.find(layer);
  if (places.empty() && whole != places_.end()) places.push_back(whole->second);
  std::sort(places.begin(), places.end());
  return places;
}

std::optional<PatternMatch> PeftPatterns::find(std::string_view layer, PatternBegin begin) const {
  const std::vector<size_t> places = places_of(layer, begin);
  if (places.empty()) return std::nullopt;
  const Pattern& first = patterns_[places.front()];
  const bool is_sure = std::all_of(places.begin(), places.end(), [&](size_t place) {
    return patterns_[place].value == first.value;
  });
  return PatternMatch{.pattern = first.text, .value = first.value, .is_sure = is_sure};
}

std::optional<double> PeftPatterns::value_of(std::string_view pattern) const {
  const auto found = places_.find(pattern);
  return found == places_.end() ? std::nullopt : std::optional(patterns_[found->second].value);
}

}  // namespace sd::models
