#include "text/dynamic_prompt.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>

#include "base/strings.h"
#include "sd/error.h"

namespace sd::text {
namespace {

using Text = std::string_view;

constexpr int kDeepest = 32;
constexpr size_t kLongest = size_t{1} << 20;
constexpr size_t kMostWork = size_t{16} << 20;  // characters read, of values, too

/// SplitMix64 (Steele et al. 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  uint64_t below(uint64_t n) { return static_cast<uint64_t>(fraction() * static_cast<double>(n)); }

 private:
  uint64_t state_;
};

struct Option {
  Text text;
  double weight = 1;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
Text without_blanks_before(Text text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}
Text without_blanks(Text text) {
  text = without_blanks_before(text);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Reads a number at the start of the text and removes it.
template <class T>
std::optional<T> take_number(Text* text) {
  T number = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  if (parsed.ec != std::errc() || text->empty() || text->front() == '-') return std::nullopt;
  text->remove_prefix(static_cast<size_t>(parsed.ptr - text->data()));
  return number;
}

/// Where the bracket that begins before `at` ends; npos if it does not.
size_t closing(Text text, size_t at) {
  int depth = 1;
  for (; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return at;
  }
  return Text::npos;
}

/// The text between `separator`s that stand in no bracket.
std::vector<Text> split(Text text, Text separator) {
  std::vector<Text> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}') --depth;
    if (depth != 0 || !text.substr(at).starts_with(separator)) continue;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + separator.size();
    at = begin - 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// What stands before the options of a variant.
struct Choice {
  char method = '~';
  int64_t least = 1, most = 1;
  Text separator = ",";
  bool has_count = false;
};

/// "2$$", "1-2$$", "-2$$", "1-$$", and "sep$$" behind it.
Text take_count(Text text, Choice* choice) {
  const Text whole = text;
  const auto least = take_number<int64_t>(&text);
  const bool range = text.starts_with('-');
  if (range) text.remove_prefix(1);
  const auto most = range ? take_number<int64_t>(&text) : least;
  if (!text.starts_with("$$") || (!least && !most)) return whole;
  text.remove_prefix(2);
  choice->has_count = true;
  choice->least = least.value_or(1);
  choice->most = most.value_or(INT64_MAX);
  const size_t end = text.find("$$");
  const bool separates =
      end != Text::npos && text.substr(0, end).find_first_of("${}") == Text::npos;
  if (!separates) return text;
  choice->separator = text.substr(0, end);
  return text.substr(end + 2);
}

char take_method(Text* text) {
  if (text->empty() || Text("~@!").find(text->front()) == Text::npos) return '~';
  const char method = text->front();
  text->remove_prefix(1);
  return method;
}

/// "2::red"; white space before an option is dropped.
Option option_of(Text text) {
  text = without_blanks_before(text);
  Text rest = text;
  const auto weight = take_number<double>(&rest);
  if (!weight || !rest.starts_with("::")) return {text, 1};
  return {rest.substr(2), *weight};
}

bool is_name(Text text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

[[noreturn]] void refuse(const char* what, Text at) {
  throw Error(ErrorKind::kUsage, std::string(what) + ": " + printable(at, 60),
              "README says what `expand` understands");
}

class Expander {
 public:
  Expander(const ExpansionSeed& seed, const WildcardLookup& lookup)
      : random_(seed.seed), place_(seed.place), lookup_(lookup) {}

  std::string expand(Text text) {
    if (++depth_ > kDeepest) refuse("a prompt's choices nest too deep", text);
    if ((work_ += text.size()) > kMostWork) refuse("a prompt's choices are too many", text);
    std::string out;
    for (size_t at = 0; at < text.size();) {
      at = expand_at(text, at, &out);
      if (out.size() > kLongest) refuse("a prompt with its choices is longer than 1 MiB", text);
    }
    --depth_;
    return out;
  }

 private:
  /// Adds what stands at `at`; returns where it ends.
  size_t expand_at(Text text, size_t at, std::string* out) {
    const Text rest = text.substr(at);
    if (rest.starts_with("${")) return bracket(text, at, 2, out, &Expander::variable);
    if (rest.starts_with("%{")) return bracket(text, at, 2, out, &Expander::wrap);
    if (rest.starts_with('{')) return bracket(text, at, 1, out, &Expander::variant);
    if (rest.starts_with("__")) {
      const size_t end = rest.find("__", 2);
      if (end != Text::npos && end > 2) {
        *out += wildcard(rest.substr(2, end - 2));
        return at + end + 2;
      }
    }
    if (rest.front() == '#') return std::min(text.find('\n', at), text.size());
    *out += rest.front();
    return at + 1;
  }

  size_t bracket(Text text, size_t at, size_t start, std::string* out,
                 std::string (Expander::*inside)(Text)) {
    const size_t end = closing(text, at + start);
    if (end == Text::npos) refuse("a bracket in a prompt is not closed", text.substr(at));
    *out += (this->*inside)(text.substr(at + start, end - at - start));
    return end + 1;
  }

  std::string variant(Text text) {
    text = without_blanks_before(text);
    Choice choice;
    choice.method = take_method(&text);
    text = take_count(text, &choice);
    std::vector<Option> options;
    for (const Text part : split(text, "|")) options.push_back(option_of(part));
    if (options.size() == 1 && choice.has_count && is_wildcard(options[0].text)) {
      const Text only = without_blanks(options[0].text);
      options = options_of(expand(only.substr(2, only.size() - 4)));
    }
    return choose(std::move(options), choice);
  }

  /// The values of a wildcard.
  std::vector<Option> options_of(const std::string& wildcard) {
    std::vector<Option> options;
    for (const WildcardValue& value : lookup_(wildcard)) {
      options.push_back({value.text, value.weight});
    }
    return options;
  }

  static bool is_wildcard(Text text) {
    text = without_blanks(text);
    return text.size() > 4 && text.starts_with("__") && text.find("__", 2) == text.size() - 2;
  }

  std::string choose(std::vector<Option> options, const Choice& choice) {
    const auto count = static_cast<int64_t>(options.size());
    const int64_t most = std::min(choice.most, count), least = std::min(choice.least, most);
    const int64_t number =
        least + static_cast<int64_t>(random_.below(static_cast<uint64_t>(most - least + 1)));
    std::string out;
    for (int64_t i = 0; i < number; ++i) {
      const size_t pick = pick_option(options, choice.method, static_cast<uint64_t>(i));
      if (i > 0) out += choice.separator;
      out += expand(options[pick].text);
      options.erase(options.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    return out;
  }

  size_t pick_option(const std::vector<Option>& options, char method, uint64_t nth) {
    if (method == '@') return static_cast<size_t>((place_ + nth) % options.size());
    if (method == '!') {
      const size_t pick = static_cast<size_t>(place_ / stride_ % options.size());
      stride_ *= std::min<uint64_t>(options.size(), UINT64_MAX / stride_);
      return pick;
    }
    double sum = 0;
    for (const Option& option : options) sum += std::max(option.weight, 0.0);
    double left = random_.fraction() * sum;
    for (size_t i = 0; i < options.size(); ++i) {
      left -= std::max(options[i].weight, 0.0);
      if (left < 0) return i;
    }
    return options.size() - 1;
  }

  /// `~name(x=a,y=b)` without its underscores.
  std::string wildcard(Text text) {
    const char method = take_method(&text);
    const size_t open = text.find('(');
    const auto before = variables_;
    if (open != Text::npos && text.ends_with(')')) {
      for (const Text pair : split(text.substr(open + 1, text.size() - open - 2), ",")) {
        const size_t equals = std::min(pair.find('='), pair.size());
        const Text value = pair.substr(std::min(equals + 1, pair.size()));
        variables_[std::string(without_blanks(pair.substr(0, equals)))] = without_blanks(value);
      }
      text = text.substr(0, open);
    }
    Choice choice;
    choice.method = method;
    std::string out = choose(options_of(expand(text)), choice);
    if (open != Text::npos) variables_ = before;
    return out;
  }

  /// `x=a`, `x=!a`, `x?=a`, `x`, `x:a` of ${…}.
  std::string variable(Text text) {
    const size_t equals = text.find('='), colon = text.find(':');
    if (equals != Text::npos && equals < colon) return assign(text, equals);
    const std::string name(without_blanks(text.substr(0, colon)));
    if (!is_name(name)) refuse("a variable has no name", text);
    const auto found = variables_.find(name);
    if (found != variables_.end()) return expand(std::string(found->second));
    if (colon == Text::npos) refuse("a variable has no value", name);
    return expand(without_blanks(text.substr(colon + 1)));
  }

  std::string assign(Text text, size_t equals) {
    Text name = text.substr(0, equals);
    const bool keeps = name.ends_with('?');
    if (keeps) name.remove_suffix(1);
    const std::string key(without_blanks(name));
    if (!is_name(key)) refuse("a variable has no name", text);
    if (keeps && variables_.contains(key)) return "";
    Text value = text.substr(equals + 1);
    const bool at_once = value.starts_with('!');
    if (at_once) value.remove_prefix(1);
    value = without_blanks(value);
    variables_[key] = at_once ? expand(value) : std::string(value);
    return "";
  }

  /// `a ... b$$c` of %{…}.
  std::string wrap(Text text) {
    const std::vector<Text> parts = split(text, "$$");
    if (parts.size() != 2) refuse("%{…} needs one $$", text);
    const std::string around = expand(without_blanks(parts[0]));
    const std::string inner = expand(without_blanks(parts[1]));
    for (const Text gap : {"...", "…"}) {
      const size_t at = around.find(gap);
      if (at != std::string::npos) {
        return around.substr(0, at) + inner + around.substr(at + gap.size());
      }
    }
    return around + inner;
  }

  Random random_;
  uint64_t place_;
  uint64_t stride_ = 1;
  const WildcardLookup& lookup_;
  std::map<std::string, std::string> variables_;
  int depth_ = 0;
  size_t work_ = 0;
};

}  // namespace

std::string expand_prompt(std::string_view utf8, const ExpansionSeed& seed,
                          const WildcardLookup& lookup) {
  return Expander(seed, lookup).expand(utf8);
}

}  // namespace sd::text
