#include "models/adapters/peft_patterns.h"

#include <cctype>
#include <utility>

#include "base/strings.h"

namespace sd::models {
namespace {

/// The longest pattern of an object that is looked at as a regular expression, and how many are.
constexpr size_t kMostPatternBytes = 256;
constexpr size_t kMostPatterns = 64;

/// A text that a regular expression without groups and sets stands for: characters, each with how
/// often it may come.
struct PatternPart {
  char character = 0;  ///< 0: any
  bool may_lack = false;
  bool repeats = false;
};

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

}  // namespace

/// A pattern that is no plain end of a name.
struct PeftPatterns::Expression {
  std::vector<PatternPart> parts;
  bool whole = false;  ///< of a name; else it may stand for an end of one, behind a dot
  double value = 0;

  bool fits(std::string_view layer) const {
    if (whole) return stands_for(parts, layer);
    for (std::string_view end = layer;;) {
      if (stands_for(parts, end)) return true;
      const size_t dot = end.find('.');
      if (dot == std::string_view::npos) return false;
      end.remove_prefix(dot + 1);
    }
  }
};

PeftPatterns::PeftPatterns(const nlohmann::json& config, const std::string& key,
                           std::vector<std::string>* faults) {
  const auto found = config.find(key);
  if (found == config.end() || !found->is_object()) return;
  plain_ = *found;
  for (const auto& [pattern, value] : found->items()) {
    const bool is_plain = pattern.find_first_of("*+?\\^$()[]{}|") == std::string::npos;
    if (!is_plain && value.is_number()) add(pattern, value.get<double>(), key, faults);
  }
}

PeftPatterns::~PeftPatterns() = default;

void PeftPatterns::add(std::string_view pattern, double value, const std::string& key,
                       std::vector<std::string>* faults) {
  const std::string name = printable(std::string(pattern), 60);
  Expression one{.parts = {}, .whole = pattern.starts_with('^'), .value = value};
  if (one.whole) pattern.remove_prefix(1);
  if (pattern.ends_with('$')) pattern.remove_suffix(1);
  const auto parts = pattern.size() <= kMostPatternBytes ? parts_of_pattern(pattern) : std::nullopt;
  if (!parts || expressions_.size() >= kMostPatterns) {
    faults->push_back("expected names of layers in " + key + ", found the expression " + name +
                      ", which this program does not read");
    return;
  }
  one.parts = *parts;
  expressions_.push_back(std::move(one));
}

std::optional<double> PeftPatterns::value_for(std::string_view layer) const {
  // By ends, not pattern by pattern: a file may have as many of them as layers.
  for (std::string_view end = layer; !plain_.is_null();) {
    const auto found = plain_.find(end);
    if (found != plain_.end() && found->is_number()) return found->get<double>();
    const size_t dot = end.find('.');
    if (dot == std::string_view::npos) break;
    end.remove_prefix(dot + 1);
  }
  for (const Expression& one : expressions_) {
    if (one.fits(layer)) return one.value;
  }
  return std::nullopt;
}

}  // namespace sd::models
