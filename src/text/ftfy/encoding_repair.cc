#include "text/ftfy/encoding_repair.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "text/ftfy/codecs.h"
#include "text/ftfy/mojibake.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

// Nested runs get shorter at every level; more levels than this are not made by accident.
constexpr int kMaxDepth = 50;

std::u32string fix_encoding_at(std::u32string text, WorkBudget& budget, int depth);

/// Bytes at a position, 0 behind the end (which no pattern here takes).
struct ByteView {
  std::string_view bytes;
  size_t i;

  uint8_t operator[](size_t k) const {
    return i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0;
  }
};

bool is_between(uint8_t b, uint8_t first, uint8_t last) { return b >= first && b <= last; }
bool is_continuation(uint8_t b) { return is_between(b, 0x80, 0xBF); }

/// The length of a UTF-8 sequence at `b` of which byte A0 became a space, or 0. Only where the
/// character that comes out is likelier than the ones that stand there.
size_t spaced_sequence(const ByteView& b) {
  // Neither 85 (often an ellipsis) nor A0 itself.
  const auto near_space = [&](size_t k) {
    return is_continuation(b[k]) && b[k] != 0x85 && b[k] != 0xA0;
  };
  const auto is_lead = [&](std::string_view leads) {
    return leads.find(static_cast<char>(b[0])) != std::string_view::npos;
  };
  if (b[0] < 0xC2) return 0;
  if (is_lead("\xC2\xC3\xC5\xCE\xD0\xD9") && b[1] == ' ') return 2;
  if (is_lead("\xE2\xE3") && b[1] == ' ' && near_space(2)) return 3;
  if (is_between(b[0], 0xE0, 0xE3) && near_space(1) && b[2] == ' ') return 3;
  if (b[0] != 0xF0) return 0;
  int spaces = 0;
  for (size_t k = 1; k < 4; ++k) {
    if (b[k] != ' ' && !is_continuation(b[k])) return 0;
    if (b[k] == ' ') ++spaces;
  }
  return spaces == 1 ? 4 : 0;
}

bool has_spaced_sequence(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (spaced_sequence({bytes, i}) > 0) return true;
  }
  return false;
}

/// "Ã " as a word of its own is "à ", its space kept, but for Portuguese words that begin so.
std::string restore_lone_a_grave(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!bytes.substr(i).starts_with("\xC3 ")) {
      out += bytes[i];
      continue;
    }
    const std::string_view next = bytes.substr(i + 2);
    const bool is_kept = next.starts_with(" ") || next.starts_with("quele") ||
                         next.starts_with("quela") || next.starts_with("quilo") ||
                         next.starts_with("s ");
    out += is_kept ? "\xC3 " : "\xC3\xA0 ";
    ++i;
  }
  return out;
}

std::string restore_byte_a0(std::string_view bytes) {
  std::string out = restore_lone_a_grave(bytes);
  for (size_t i = 0; i < out.size();) {
    const size_t length = spaced_sequence({out, i});
    for (size_t k = i; k < i + length; ++k) {
      if (out[k] == ' ') out[k] = '\xA0';
    }
    i += std::max<size_t>(length, 1);
  }
  return out;
}

/// The length of a UTF-8 or CESU-8 sequence at `b` of which a byte was lost (1A, or once '?'), or
/// of a lone 1A; 0 if there is none.
size_t lossy_sequence(const ByteView& b) {
  const auto lost = [&](size_t k) { return b[k] == 0x1A; };
  const auto lost_or_mark = [&](size_t k) { return lost(k) || b[k] == '?'; };
  const auto lost_or_kept = [&](size_t k) { return lost(k) || is_continuation(b[k]); };
  const auto any = [&](size_t k) { return lost_or_mark(k) || is_continuation(b[k]); };
  // One of the bytes 1..count is lost or marked, the others lost or kept.
  const auto one_of = [&](size_t count) {
    for (size_t hole = 1; hole <= count; ++hole) {
      bool matches = lost_or_mark(hole);
      for (size_t k = 1; k <= count && matches; ++k) matches = k == hole || lost_or_kept(k);
      if (matches) return true;
    }
    return false;
  };
  if (is_between(b[0], 0xC2, 0xDF) && lost(1)) return 2;
  if (is_between(b[0], 0xC2, 0xC3) && b[1] == '?') return 2;
  if (b[0] == 0xED && is_between(b[1], 0xA0, 0xAF) && b[3] == 0xED &&
      is_between(b[4], 0xB0, 0xBF) &&
      ((lost_or_mark(2) && any(5)) || (any(2) && lost_or_mark(5)))) {
    return 6;
  }
  if (is_between(b[0], 0xE0, 0xEF) && one_of(2)) return 3;
  if (is_between(b[0], 0xF0, 0xF4) && one_of(3)) return 4;
  return lost(0) ? 1 : 0;
}

std::string replace_lossy_sequences(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    const size_t length = lossy_sequence({bytes, i});
    if (length > 0) {
      out += "\xEF\xBF\xBD";  // U+FFFD
    } else {
      out += bytes[i];
    }
    i += std::max<size_t>(length, 1);
  }
  return out;
}

/// The text's bytes in `encoding`, read as UTF-8.
std::optional<std::u32string> reread_as_utf8(std::u32string_view text, Encoding encoding) {
  std::string bytes = encode(text, encoding);
  // In MacRoman the lead bytes are an en dash and the like: a space behind them is a space.
  if (encoding != Encoding::kMacRoman && has_spaced_sequence(bytes)) {
    bytes = restore_byte_a0(bytes);
  }
  if (is_sloppy(encoding)) bytes = replace_lossy_sequences(bytes);
  const bool has_variant = bytes.find_first_of("\xED\xC0") != std::string::npos;
  return has_variant ? decode_utf8_variants(bytes) : decode_utf8(bytes);
}

/// Repairs each run of misread UTF-8 by itself.
std::u32string fix_runs(std::u32string_view text, WorkBudget& budget, int depth) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = misread_utf8_run(text, i);
    const std::u32string_view part = text.substr(i, std::max<size_t>(length, 1));
    if (length > 0 && length < text.size() && depth < kMaxDepth && is_bad(part)) {
      out += fix_encoding_at(std::u32string(part), budget, depth + 1);
    } else {
      out += part;
    }
    i += part.size();
  }
  return out;
}

/// Latin-1 that was meant as Windows-1252; nothing if a byte has no meaning there.
std::optional<std::u32string> reread_latin1_as_windows1252(std::u32string_view text) {
  std::u32string out(text);
  for (char32_t& c : out) {
    if (c < 0x80 || c > 0x9F) continue;
    const char32_t meant = decoded_byte(Encoding::kSloppyWindows1252, static_cast<uint8_t>(c));
    if (meant == c) return std::nullopt;  // a byte without a character
    c = meant;
  }
  return out;
}

/// One repair of `text`, or the same text.
std::u32string repaired_once(const std::u32string& text, WorkBudget& budget, int depth) {
  if (is_ascii(text) || !is_bad(text)) return text;
  const uint32_t possible = possible_encodings(text);
  for (int e = 0; e < kEncodings; ++e) {
    if ((possible >> e & 1) == 0) continue;
    if (auto reread = reread_as_utf8(text, Encoding(e))) return *std::move(reread);
  }
  std::u32string fixed = fix_runs(text, budget, depth);
  if (fixed != text) return fixed;
  if ((possible & 1u << static_cast<int>(Encoding::kLatin1)) != 0) {
    if (auto reread = reread_latin1_as_windows1252(text)) return *std::move(reread);
  }
  fix_c1_controls(fixed);
  return fixed;
}

std::u32string fix_encoding_at(std::u32string text, WorkBudget& budget, int depth) {
  while (budget.spend(text.size())) {
    std::u32string next = repaired_once(text, budget, depth);
    if (next == text) break;
    text = std::move(next);
  }
  return text;
}

}  // namespace

std::u32string fix_encoding(std::u32string text, WorkBudget& budget) {
  return fix_encoding_at(std::move(text), budget, 0);
}

void fix_c1_controls(std::u32string& text) {
  for (char32_t& c : text) {
    if (c >= 0x80 && c <= 0x9F) {
      c = decoded_byte(Encoding::kSloppyWindows1252, static_cast<uint8_t>(c));
    }
  }
}

}  // namespace sd::text
