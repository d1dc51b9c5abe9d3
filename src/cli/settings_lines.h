#pragma once

#include <string>
#include <vector>

namespace sd::cli {

/// A statement of a settings file.
struct SettingLine {
  std::vector<std::string> section;  ///< of its header and of a dotted key: {"preset", "mine"}
  std::string key;
  std::vector<std::string> values;
  int number = 0;  ///< of the line, from 1
};

/// The statements of a text in a part of TOML 1.0: `key = value`, dotted keys, [sections] and
/// comments. A value is a text on one line, between quotes and without backslashes, a bare word or
/// number, or a list of these over any number of lines. Bare words beyond true and false are ours:
/// TOML wants quotes. `origin`: the file's name in messages. Throws Error(kUsage), naming the line,
/// for all else; takes time in proportion to the text. (CLI11 2.1 reads such files, too, but skips
/// some lines in silence, and reads "a" , "b" and 'c, d\' as something else.)
std::vector<SettingLine> read_setting_lines(const std::string& text, const std::string& origin);

}  // namespace sd::cli
