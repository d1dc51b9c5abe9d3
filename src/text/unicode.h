#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Text as code points, on ICU. The rules of the reference's tokenizers are told in code points, so
// the whole module works on std::u32string; UTF-8 is only at its edges.
namespace sd::text {

/// Reads the character at utf8[i] (i < size) and moves i behind it; false, and i as it was, if the
/// bytes there are not well-formed UTF-8.
bool read_utf8(std::string_view utf8, size_t& i, char32_t& c);

/// The code points of `bytes`; nothing if they are not well-formed UTF-8.
std::optional<std::u32string> decode_utf8(std::string_view bytes);

/// The code points of `utf8`, which must be well-formed (check_prompt).
std::u32string from_utf8(std::string_view utf8);

std::string to_utf8(std::u32string_view text);

/// Unicode normalization forms. Linear even in long runs of combining marks.
std::u32string to_nfc(std::u32string_view text);
std::u32string to_nfd(std::u32string_view text);
std::u32string to_nfkc(std::u32string_view text);

/// Full, locale-independent lower case of a whole text (final sigma; U+0130 becomes two).
std::u32string to_lower(std::u32string_view text);
/// Simple lower case of one character, whatever stands beside it.
char32_t to_lower(char32_t c);

bool is_ascii(std::u32string_view text);
inline bool is_ascii_alnum(char32_t c) {
  return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
}
inline bool is_ascii_letter(char32_t c) {
  return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
}

bool is_letter(char32_t c);         ///< general category L
bool is_number(char32_t c);         ///< general category N
bool is_decimal_digit(char32_t c);  ///< general category Nd
/// 0 to 9: the value of a decimal digit of any script.
int digit_value(char32_t c);
bool is_white_space(char32_t c);  ///< property White_Space

// Categories in Unicode 8.0, the version of the Rust crate that BERT's reference tokenizer uses:
// later characters are unassigned.
bool is_punctuation_8(char32_t c);      ///< general category P
bool is_nonspacing_mark_8(char32_t c);  ///< general category Mn
bool is_control_8(char32_t c);          ///< general category Cc, Cf or Co

}  // namespace sd::text
