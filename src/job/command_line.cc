#include "job/command_line.h"

#include "base/printable.h"
#include "base/words.h"

namespace sd::job {
namespace {

/// In the quotes $'…', which take \xNN for a byte: no terminal sees what could steer it.
std::string escaped_word(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '\'') escaped += '\\';
    escaped += c;
  }
  return "$'" + printable_lines(escaped) + "'";
}

}  // namespace

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,:/@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  if (printable_lines(text) != text) return escaped_word(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string flag_words(const Setting& setting, const std::string& value) {
  const std::string flag = " --" + setting.flags().front();
  if (setting.is_switch) return value == "true" ? flag : flag + "=" + value;
  return flag + (value.starts_with('-') ? "=" : " ") + shell_word(value);
}

std::string command_line(const Settings& settings) {
  Settings asked = settings;
  if (asked.script == Script::kTxt2Img) {
    asked.H = asked.batch.height;
    asked.W = asked.batch.width;
  }
  std::string line = "sd " + std::string(word_of(asked.script));
  const std::vector<std::string> values = text_values(asked);
  const std::vector<std::string> defaults = text_values(Settings(asked.script));
  for (const Setting& setting : all_settings()) {
    const std::string& value = values[setting.place];
    if (setting.flags().empty() || !setting.known_to(asked.script) ||
        setting.about.where == Settable::kLine) {
      continue;
    }
    if (value != defaults[setting.place]) line += flag_words(setting, value);
  }
  return line;
}

}  // namespace sd::job
