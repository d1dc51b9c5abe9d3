#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Characters and numbers as Python's `re` and `float` read them, on which the web UI's prompt
// syntax is built.
namespace sd::text {

/// `\s`: white space, and the four information separators U+001C to U+001F.
bool is_prompt_space(char32_t c);

/// `\w`: letters, numbers, and the underscore.
bool is_word_char(char32_t c);

/// The text without white space at its end.
std::u32string_view without_space_behind(std::u32string_view text);
/// The text without white space at either end.
std::u32string_view without_space_around(std::u32string_view text);

/// Python's float() of an optional sign, decimal digits of any script, at most one point, and an
/// exponent; infinite or 0 beyond the range of a double. Nothing if it is no such number.
std::optional<double> read_decimal(std::u32string_view text);

/// `\bWORD\b` in `text`, from left to right: the places at which it begins.
std::vector<size_t> find_whole_words(std::u32string_view text, std::u32string_view word);

}  // namespace sd::text
