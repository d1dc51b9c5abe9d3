#include "text/prompt_chars.h"

#include <cstdlib>

#include "text/unicode.h"

namespace sd::text {
namespace {

/// Moves `i` behind the decimal digits at it, which go to `ascii`; how many they are.
size_t take_digits(std::u32string_view text, size_t& i, std::string& ascii) {
  size_t count = 0;
  for (; i < text.size() && is_decimal_digit(text[i]); ++i, ++count) {
    ascii += static_cast<char>('0' + digit_value(text[i]));
  }
  return count;
}

bool take_sign(std::u32string_view text, size_t& i, std::string& ascii) {
  if (i == text.size() || (text[i] != U'+' && text[i] != U'-')) return false;
  ascii += static_cast<char>(text[i++]);
  return true;
}

/// Takes "e+3"; false if what stands there is the beginning of an exponent and no whole one.
bool take_exponent(std::u32string_view text, size_t& i, std::string& ascii) {
  if (i == text.size() || (text[i] != U'e' && text[i] != U'E')) return true;
  ascii += 'e';
  ++i;
  take_sign(text, i, ascii);
  return take_digits(text, i, ascii) > 0;
}

}  // namespace

bool is_prompt_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }

bool is_word_char(char32_t c) { return c == U'_' || is_letter(c) || is_number(c); }

std::u32string_view without_space_behind(std::u32string_view text) {
  while (!text.empty() && is_prompt_space(text.back())) text.remove_suffix(1);
  return text;
}

std::u32string_view without_space_around(std::u32string_view text) {
  while (!text.empty() && is_prompt_space(text.front())) text.remove_prefix(1);
  return without_space_behind(text);
}

std::optional<double> read_decimal(std::u32string_view text) {
  std::string ascii;
  size_t i = 0;
  take_sign(text, i, ascii);
  size_t digits = take_digits(text, i, ascii);
  if (i < text.size() && text[i] == U'.') {
    ascii += '.';
    ++i;
    digits += take_digits(text, i, ascii);
  }
  if (digits == 0 || !take_exponent(text, i, ascii) || i != text.size()) return std::nullopt;
  return std::strtod(ascii.c_str(), nullptr);
}

std::vector<size_t> find_whole_words(std::u32string_view text, std::u32string_view word) {
  std::vector<size_t> places;
  size_t at = 0;
  while ((at = text.find(word, at)) != std::u32string_view::npos) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || !is_word_char(text[at - 1]);
    const bool ends = end == text.size() || !is_word_char(text[end]);
    if (begins && ends) places.push_back(at);
    at = end;
  }
  return places;
}

}  // namespace sd::text
