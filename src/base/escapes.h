#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

// What stands behind a backslash or an ampersand in texts of several forms.

namespace sd {

/// The number that `count` hexadecimal digits at the start of the text are; nothing where other
/// characters stand among them, or fewer.
inline std::optional<uint32_t> hex_number(std::string_view text, size_t count) {
  uint32_t number = 0;
  const bool is_whole =
      count > 0 && text.size() >= count &&
      std::from_chars(text.data(), text.data() + count, number, /*base=*/16).ptr ==
          text.data() + count;
  return is_whole ? std::optional(number) : std::nullopt;
}

/// Whether it is a code point of a character: not 0, no surrogate.
inline bool is_code_point(uint32_t number) {
  return number > 0 && number <= 0x10FFFF && (number < 0xD800 || number > 0xDFFF);
}

}  // namespace sd
