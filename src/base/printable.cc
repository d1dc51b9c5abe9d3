#include "base/printable.h"

#include <fmt/core.h>
#include <unicode/uchar.h>

#include <algorithm>

#include "base/escapes.h"
#include "base/strings.h"

namespace sd {
namespace {

/// The code point that a well-formed sequence stands for.
char32_t code_point(std::string_view sequence) {
  constexpr unsigned kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(sequence[i]); };
  char32_t point = byte(0) & kLeadBits[sequence.size()];
  for (size_t i = 1; i < sequence.size(); ++i) point = point << 6 | (byte(i) & 0x3FU);
  return point;
}

/// Whether a terminal may get the character as it is.
bool is_printable(char32_t point) {
  if (point < 0x7F) return point >= 0x20;
  constexpr uint32_t kUnprintable =
      U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CN_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(point)) & kUnprintable) == 0;
}

/// "\xC2\x9B".
std::string escaped_bytes(std::string_view bytes) {
  std::string shown;
  for (const char c : bytes) shown += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
  return shown;
}

/// "\u009b", above U+FFFF as two surrogates.
std::string json_escape(char32_t point) {
  if (point < 0x10000) return fmt::format("\\u{:04x}", static_cast<unsigned>(point));
  const auto above = static_cast<unsigned>(point - 0x10000);
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (above >> 10), 0xDC00 + (above & 0x3FF));
}

}  // namespace

size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  if (text.empty()) return 0;
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;  // overlong
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

std::string printable(std::string_view text, size_t limit) {
  std::string shown;
  while (!text.empty()) {
    if (shown.size() >= limit) return shown + "…";
    const size_t length = utf8_sequence_length(text);
    const std::string_view next = text.substr(0, std::max<size_t>(length, 1));
    const bool plain = length > 0 && is_printable(code_point(next));
    shown += plain ? std::string(next) : escaped_bytes(next);
    text.remove_prefix(next.size());
  }
  return shown;
}

std::string unprintable(std::string_view shown) {
  constexpr size_t kLength = 4;  // of "\\xNN"
  std::string text;
  while (!shown.empty()) {
    const auto byte = shown.starts_with("\\x") ? hex_number(shown.substr(2), 2) : std::nullopt;
    text += byte ? static_cast<char>(*byte) : shown.front();
    shown.remove_prefix(byte ? kLength : 1);
  }
  return text;
}

std::string printable_lines(std::string_view text) {
  std::string shown;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    shown += printable(text.substr(start, end - start), std::string::npos);
    if (end < text.size()) shown += '\n';
    start = end + 1;
  }
  return shown;
}

std::string printable_json(std::string_view json) {
  std::string shown;
  while (!json.empty()) {
    const size_t length = std::max<size_t>(utf8_sequence_length(json), 1);
    const std::string_view next = json.substr(0, length);
    const char32_t point = code_point(next);
    // (A JSON text's own line breaks stand outside of its strings, where there is no other
    // control.)
    shown += point == '\n' || is_printable(point) ? std::string(next) : json_escape(point);
    json.remove_prefix(length);
  }
  return shown;
}

}  // namespace sd
