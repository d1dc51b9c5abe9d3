#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sd::job {

/// What ends a line.
enum class LineBreaks {
  kPython,  ///< all that str.splitlines takes for it, U+2028 among them
  kJson,    ///< only what cannot stand within a JSON text
};

/// The most bytes of a line break.
inline constexpr size_t kLongestBreak = 3;

/// Bytes of the line break that `text` starts with, or 0.
size_t line_break_length(std::string_view text, LineBreaks breaks);

/// Where the first line break of `text` begins, or npos.
size_t find_line_break(std::string_view text, LineBreaks breaks);

/// The lines of a prompt file as the reference splits it: an empty line is an empty prompt, a last
/// line need not end, and a byte order mark at the start is left out.
std::vector<std::string> split_lines(const std::string& text,
                                     LineBreaks breaks = LineBreaks::kPython);

/// Whether a line holds nothing but spaces and tabs.
bool is_blank(std::string_view line);

/// Whether a file whose first line that is not blank is this one, is one of JSON Lines.
bool is_json_lines(const std::string& path, std::string_view first_line);

/// Where the flags of a line begin: at the first word of two dashes and a letter; or npos.
size_t find_flags(std::string_view line);

}  // namespace sd::job
