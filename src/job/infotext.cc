#include "job/infotext.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/split.h"
#include "text/unicode.h"

namespace sd::job {
namespace {

/// The character at `i`, which moves behind it; a byte that is no UTF-8 is one.
char32_t next_char(std::string_view text, size_t* i) {
  char32_t c = 0;
  if (!text::read_utf8(text, *i, c)) c = static_cast<unsigned char>(text[(*i)++]);
  return c;
}

bool is_space(char32_t c) { return text::is_white_space(c) || (c >= 0x1C && c <= 0x1F); }
bool is_word(char32_t c) { return c == '_' || text::is_letter(c) || text::is_number(c); }

/// Behind the white space at `at`.
size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t next = at;
    if (!is_space(next_char(text, &next))) break;
    at = next;
  }
  return at;
}

/// A run of what a field's name may hold.
struct NameRun {
  size_t first_word;  ///< where its first letter, digit or underscore is; its end if there is none
  size_t end;
  bool long_enough;  ///< whether two characters and more stand from there on
};

NameRun name_run(std::string_view text, size_t begin) {
  NameRun run = {.first_word = std::string_view::npos, .end = begin, .long_enough = false};
  while (run.end < text.size()) {
    size_t next = run.end;
    const char32_t c = next_char(text, &next);
    if (!is_word(c) && c != ' ' && c != '-' && c != '/') break;
    if (run.first_word != std::string_view::npos) run.long_enough = true;
    if (run.first_word == std::string_view::npos && is_word(c)) run.first_word = run.end;
    run.end = next;
  }
  return run;
}

/// Where the value that starts at `at` ends: behind its closing quote, or before the next comma.
size_t end_of_value(std::string_view line, size_t at) {
  const size_t comma = std::min(line.find(',', at), line.size());
  if (at >= line.size() || line[at] != '"') return comma;
  for (size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      const bool ends = i + 1 == line.size() || line[i + 1] == ',';
      return ends && i > at + 1 ? i + 1 : comma;
    }
  }
  return comma;
}

/// Behind the JSON object or list at `at` that is a whole value; `at` if there is none.
size_t end_of_json(std::string_view line, size_t at) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = at; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') ++depth;
    if (c != '}' && c != ']') continue;
    if (depth > 1) {
      --depth;
      continue;
    }
    const bool ends = i + 1 == line.size() || line[i + 1] == ',';
    const bool is_json = ends && !parse_json(line.substr(at, i + 1 - at)).is_discarded();
    return is_json ? i + 1 : at;
  }
  return at;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

/// A value as it was before it was quoted.
std::string unquote(std::string_view value) {
  std::string text(value);
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return text;
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_string() ? json.get<std::string>() : text;
}

/// "Name: value, Name: value" (the web UI's re_param, searched again and again); with empty values.
Fields parse_fields(std::string_view line, bool whole_json) {
  Fields fields;
  int tries = whole_json ? 16 : 0;  // to find JSON in vain, which takes the length of the line
  for (size_t at = 0; at < line.size();) {
    const NameRun run = name_run(line, at);
    if (run.end == line.size()) break;
    if (line[run.end] != ':' || !run.long_enough) {
      at = run.end;
      next_char(line, &at);
      continue;
    }
    const size_t value = skip_space(line, run.end + 1);
    size_t end = end_of_value(line, value);
    if (tries > 0 && value < line.size() && (line[value] == '{' || line[value] == '[')) {
      const size_t behind = end_of_json(line, value);
      if (behind == value) --tries;
      if (behind > value) end = behind;
    }
    fields.emplace_back(line.substr(run.first_word, run.end - run.first_word),
                        line.substr(value, end - value));
    at = end + 1;
  }
  return fields;
}

void add_line(std::string* text, std::string_view line) {
  if (!text->empty()) *text += '\n';
  *text += line;
}

void parse_prompts(std::string_view lines, InfoText* text) {
  constexpr std::string_view kNegative = "Negative prompt:";
  bool negative = false;
  for (const std::string_view each : split(lines, '\n')) {
    std::string_view line = strip(each);
    if (line.starts_with(kNegative)) {
      negative = true;
      line = strip(line.substr(kNegative.size()));
    }
    add_line(negative ? &text->negative_prompt : &text->prompt, line);
  }
}

/// As JSON.
std::string in_quotes(const std::string& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view strip(std::string_view utf8) {
  utf8 = utf8.substr(skip_space(utf8, 0));
  while (!utf8.empty()) {
    size_t last = utf8.size() - 1;
    while (last > 0 && (utf8[last] & '\xC0') == '\x80') --last;
    size_t at = last;
    if (!is_space(next_char(utf8, &at)) || at != utf8.size()) break;
    utf8 = utf8.substr(0, last);
  }
  return utf8;
}

const std::string* InfoText::find(std::string_view name) const {
  const auto found = std::find_if(fields.rbegin(), fields.rend(),
                                  [&](const auto& field) { return field.first == name; });
  return found == fields.rend() ? nullptr : &found->second;
}

std::string quoted_field(const std::string& value) {
  return value.find_first_of(",:\n") == std::string::npos ? value : in_quotes(value);
}

std::string kept_field(const std::string& value) {
  const bool is_odd = value.starts_with('"') || strip(value) != value;
  return is_odd ? in_quotes(value) : quoted_field(value);
}

bool is_size(std::string_view value, std::string* width, std::string* height) {
  const size_t cross = value.find('x');
  if (cross == std::string_view::npos) return false;
  const auto digits = [](std::string_view text) {  // of any script, as Python's \d
    for (size_t i = 0; i < text.size();) {
      if (!text::is_decimal_digit(next_char(text, &i))) return false;
    }
    return !text.empty();
  };
  if (!digits(value.substr(0, cross)) || !digits(value.substr(cross + 1))) return false;
  *width = value.substr(0, cross);
  *height = value.substr(cross + 1);
  return true;
}

InfoText parse_infotext(std::string_view text, const InfoTextReading& reading) {
  constexpr size_t kFewest = 3;
  InfoText parsed;
  const std::string_view whole = strip(text);
  const size_t last = whole.rfind('\n');
  std::string_view prompts = last == std::string_view::npos ? "" : whole.substr(0, last);
  Fields fields = parse_fields(last == std::string_view::npos ? whole : whole.substr(last + 1),
                               reading.whole_json);
  if (fields.size() < kFewest) {
    fields.clear();
    prompts = whole;
  }
  for (auto& [name, value] : fields) {
    if (reading.with_empty_fields || !value.empty())
      parsed.fields.emplace_back(name, unquote(value));
  }
  parse_prompts(prompts, &parsed);
  return parsed;
}

std::string write_infotext(const InfoText& text) {
  std::string all = text.prompt;
  if (!text.negative_prompt.empty()) all += "\nNegative prompt: " + text.negative_prompt;
  all += "\n";
  std::string separator;
  for (const auto& [name, value] : text.fields) {
    all += separator;
    all += name == value ? name : fmt::format("{}: {}", name, quoted_field(value));
    separator = ", ";
  }
  return std::string(strip(all));
}

}  // namespace sd::job
