#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The encodings that text is misread in. "Sloppy" ones, as ftfy calls them, give a byte without a
// character the code point of the same number, and write U+FFFD as byte 0x1A.
namespace sd::text {

/// In the order in which a repair tries them.
enum class Encoding {
  kLatin1,
  kSloppyWindows1252,
  kSloppyWindows1251,
  kSloppyWindows1250,
  kSloppyWindows1253,
  kSloppyWindows1254,
  kIso8859_2,
  kMacRoman,
  kCp437,
};
inline constexpr int kEncodings = 9;

inline bool is_sloppy(Encoding encoding) {
  return encoding >= Encoding::kSloppyWindows1252 && encoding <= Encoding::kSloppyWindows1254;
}

/// Bit i is set if the whole text can be written in Encoding(i).
uint32_t possible_encodings(std::u32string_view text);

/// The text's bytes; it must be possible in that encoding.
std::string encode(std::u32string_view text, Encoding encoding);

/// What byte `byte` (0x80 to 0xFF) stands for.
char32_t decoded_byte(Encoding encoding, uint8_t byte);

/// UTF-8 that may hold surrogate pairs (CESU-8) and C0 80 for NUL (Java), as ftfy's codec
/// utf-8-variants reads it, its treatment of a last line feed included.
std::optional<std::u32string> decode_utf8_variants(std::string_view bytes);

}  // namespace sd::text
