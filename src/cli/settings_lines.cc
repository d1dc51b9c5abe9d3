#include "cli/settings_lines.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/escapes.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

bool is_bare_key(char c) {
  return c == '_' || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

bool is_bare_value(char c) {
  return is_bare_key(c) || std::string_view("+.:/~").find(c) != std::string_view::npos;
}

class LineReader {
 public:
  LineReader(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
    check_characters();
  }

  std::vector<SettingLine> read() {
    while (true) {
      skip_blank_lines();
      if (at_end()) return std::move(lines_);
      if (take('[')) {
        section_ = path(']');
        if (!take(']')) refuse("a section without its closing bracket", "write [NAME]");
      } else {
        lines_.push_back(statement());
      }
      skip_space();
      if (!at_end() && peek() != '\n') refuse_rest();
    }
  }

 private:
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    if (c == '\n') ++number_;
    ++at_;
    return true;
  }
  std::string_view rest_of_line() const { return text_.substr(at_, text_.find('\n', at_) - at_); }

  [[noreturn]] void refuse(const std::string& problem, const std::string& hint) const {
    throw Error(ErrorKind::kUsage, origin_ + ": line " + std::to_string(number_) + ": " + problem,
                hint);
  }
  [[noreturn]] void refuse_rest() const {
    refuse("expected the end of the line, found " + printable(rest_of_line(), 60),
           "put a text between quotes, and a list between brackets");
  }

  [[noreturn]] void refuse_line(bool is_statement) const {
    const std::string found = ", found " + printable(line_here(), 60);
    if (is_statement) {
      refuse("expected key = value" + found, "such as steps = 20; comments begin with #");
    }
    refuse("expected the name of a section" + found,
           "there are [txt2img], [img2img] and [preset.NAME]");
  }

  void check_characters() const {
    const auto is_control = [](unsigned char c) {
      return (c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
    };
    if (!is_valid_utf8(text_) || std::any_of(text_.begin(), text_.end(), is_control)) {
      throw Error(ErrorKind::kUsage, origin_ + ": it is not UTF-8 text",
                  "save it as UTF-8, without control characters");
    }
  }

  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  /// White space within a line, the comment behind it, and a carriage return before the line's end.
  void skip_space() {
    skip_blanks();
    if (peek() == '#') at_ += rest_of_line().size();
    if (peek() == '\r' && rest_of_line().size() == 1) ++at_;
  }
  void skip_blank_lines() {
    do {
      skip_space();
    } while (take('\n'));
  }

  template <class Belongs>
  std::string run_of(const Belongs& belongs) {
    const size_t begin = at_;
    while (!at_end() && belongs(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  /// A text between quotes; `at_` is at the first.
  std::string quoted() {
    const char quote = peek();
    if (rest_of_line().starts_with(std::string(3, quote))) {
      refuse("a text between three quotes", "a text is on one line, between \"…\" or '…'");
    }
    ++at_;
    std::string text;
    while (!at_end() && peek() != '\n') {
      const char c = text_[at_++];
      if (c == quote) return text;
      if (c == '\\' && quote == '"') {
        append_escaped(&text);
      } else {
        text += c;
      }
    }
    refuse("a text without its closing quote", "a text is on one line");
  }

  /// Appends what TOML's escape at `at_`, behind its backslash, stands for.
  void append_escaped(std::string* text) {
    constexpr std::string_view kLetters = "\"\\btnfr", kMeant = "\"\\\b\t\n\f\r";
    const size_t letter = kLetters.find(peek());
    if (letter != std::string_view::npos) {
      *text += kMeant[letter];
      ++at_;
      return;
    }
    const size_t digits = peek() == 'u' ? 4 : peek() == 'U' ? 8 : 0;
    const auto point = digits == 0 ? std::nullopt : hex_number(text_.substr(at_ + 1), digits);
    if (!point || !is_code_point(*point)) {
      refuse("a backslash within \"…\" does not begin an escape of TOML",
             "write the text as it is, between '…'");
    }
    append_utf8(*point, *text);
    at_ += 1 + digits;
  }

  /// Names with dots between them, up to `end`.
  std::vector<std::string> path(char end) {
    constexpr size_t kMostBytes = 100, kMostNames = 8;
    std::vector<std::string> names;
    do {
      skip_blanks();
      names.push_back(peek() == '"' || peek() == '\'' ? quoted() : run_of(is_bare_key));
      skip_blanks();
      const bool fits = !names.back().empty() && names.back().size() <= kMostBytes;
      if (!fits || names.size() > kMostNames) refuse_line(end == '=');
    } while (take('.'));
    return names;
  }
  /// The line that is being read, whole.
  std::string_view line_here() const {
    const size_t begin = at_ == 0 ? 0 : text_.rfind('\n', at_ - 1) + 1;
    return text_.substr(begin, text_.find('\n', at_) - begin);
  }

  SettingLine statement() {
    SettingLine line{.section = section_, .key = "", .values = {}, .number = number_};
    std::vector<std::string> names = path('=');
    if (!take('=')) refuse_line(/*is_statement=*/true);
    line.key = std::move(names.back());
    names.pop_back();
    line.section.insert(line.section.end(), names.begin(), names.end());
    skip_blanks();
    line.values = take('[') ? list() : std::vector<std::string>{value()};
    return line;
  }

  std::string value() {
    if (peek() == '"' || peek() == '\'') return quoted();
    std::string text = run_of(is_bare_value);
    if (text.empty()) {
      refuse("expected a value, found " + printable(rest_of_line(), 60),
             "put a text between quotes; an empty one is \"\"");
    }
    return text;
  }

  /// What stands between the brackets of a list.
  std::vector<std::string> list() {
    std::vector<std::string> values;
    while (true) {
      skip_blank_lines();
      if (take(']')) return values;
      if (at_end()) refuse("a list without its closing bracket", "close it with ]");
      values.push_back(value());
      skip_blank_lines();
      if (take(',') || peek() == ']' || at_end()) continue;
      refuse("a list without its comma or closing bracket", "write [1, 2]");
    }
  }

  std::string_view text_;
  const std::string& origin_;
  size_t at_ = 0;
  int number_ = 1;
  std::vector<std::string> section_;
  std::vector<SettingLine> lines_;
};

}  // namespace

std::vector<SettingLine> read_setting_lines(const std::string& text, const std::string& origin) {
  return LineReader(text, origin).read();
}

}  // namespace sd::cli
