#include "text/ftfy/codecs.h"

#include <array>

#include "text/ftfy/page_table.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

constexpr std::array<std::array<char16_t, 128>, kEncodings> kUpperHalves = {{
#include "text/ftfy/single_byte.inc"
}};

constexpr char32_t kReplacement = 0xFFFD;
constexpr char kSubstitute = 0x1A;

/// For each character its byte in each encoding, 0 where it has none. ASCII is not listed.
using Bytes = std::array<uint8_t, kEncodings>;

PageTable<Bytes> make_bytes() {
  PageTable<Bytes> table;
  for (int e = 0; e < kEncodings; ++e) {
    const auto index = static_cast<size_t>(e);
    for (size_t i = 0; i < 128; ++i) {
      table.at(kUpperHalves[index][i])[index] = static_cast<uint8_t>(0x80 + i);
    }
    const char32_t substitute = is_sloppy(Encoding(e)) ? kReplacement : kSubstitute;
    table.at(substitute)[index] = kSubstitute;
  }
  return table;
}

const PageTable<Bytes>& bytes_of() {
  static const PageTable<Bytes> table = make_bytes();
  return table;
}

bool is_plain_ascii(char32_t c) { return c < 0x80 && c != kSubstitute; }

}  // namespace

uint32_t possible_encodings(std::u32string_view text) {
  const PageTable<Bytes>& table = bytes_of();
  uint32_t possible = (1u << kEncodings) - 1;
  for (const char32_t c : text) {
    if (is_plain_ascii(c)) continue;
    const Bytes& bytes = table[c];
    for (size_t e = 0; e < kEncodings; ++e) {
      if (bytes[e] == 0) possible &= ~(1u << e);
    }
    if (possible == 0) break;
  }
  return possible;
}

std::string encode(std::u32string_view text, Encoding encoding) {
  const PageTable<Bytes>& table = bytes_of();
  const auto index = static_cast<size_t>(encoding);
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t c : text) {
    bytes += static_cast<char>(is_plain_ascii(c) ? c : table[c][index]);
  }
  return bytes;
}

char32_t decoded_byte(Encoding encoding, uint8_t byte) {
  return kUpperHalves[static_cast<size_t>(encoding)][byte - 0x80u];
}

std::optional<std::u32string> decode_utf8_variants(std::string_view bytes) {
  const auto at = [&](size_t i) -> uint32_t {
    return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0;
  };
  const auto between = [&](size_t i, uint32_t first, uint32_t last) {
    return at(i) >= first && at(i) <= last;
  };
  // The codec's patterns end in "or the end", and that is true before a last line feed too, which
  // is then taken for the missing byte.
  const auto is_last_line_feed = [&](size_t i) { return i + 1 == bytes.size() && at(i) == '\n'; };

  std::u32string text;
  size_t plain = 0;  // start of the ordinary UTF-8 that is not yet decoded
  const auto flush = [&](size_t end) {
    const auto part = decode_utf8(bytes.substr(plain, end - plain));
    if (part) text += *part;
    return part.has_value();
  };
  for (size_t i = 0; i < bytes.size();) {
    if (at(i) == 0xC0 && (at(i + 1) == 0x80 || is_last_line_feed(i + 1))) {
      if (!flush(i)) return std::nullopt;
      text += U'\0';
      i += 2;
      plain = i;
    } else if (at(i) == 0xED && between(i + 1, 0xA0, 0xAF) && between(i + 2, 0x80, 0xBF) &&
               at(i + 3) == 0xED && between(i + 4, 0xB0, 0xBF) &&
               (between(i + 5, 0x80, 0xBF) || is_last_line_feed(i + 5))) {
      if (!flush(i)) return std::nullopt;
      text += static_cast<char32_t>(((at(i + 1) & 0x0F) << 16) + ((at(i + 2) & 0x3F) << 10) +
                                    ((at(i + 4) & 0x0F) << 6) + (at(i + 5) & 0x3F) + 0x10000);
      i += 6;
      plain = i;
    } else {
      ++i;
    }
  }
  if (!flush(bytes.size())) return std::nullopt;
  return text;
}

}  // namespace sd::text
