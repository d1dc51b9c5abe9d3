#include "text/unicode.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "base/strings.h"
#include "sd/error.h"

namespace sd::text {
namespace {

icu::UnicodeString to_icu(std::u32string_view text) {
  icu::UnicodeString out(static_cast<int32_t>(text.size()), 0, 0);
  for (const char32_t c : text) out.append(static_cast<UChar32>(c));
  return out;
}

std::u32string from_icu(const icu::UnicodeString& text) {
  std::u32string out;
  out.reserve(static_cast<size_t>(text.length()));
  for (int32_t i = 0; i < text.length();) {
    const UChar32 c = text.char32At(i);
    out += static_cast<char32_t>(c);
    i += U16_LENGTH(c);
  }
  return out;
}

/// Puts every run of combining marks into canonical order. ICU does so too, but by insertion,
/// which is quadratic in the length of the run.
void sort_combining_marks(std::u32string& text) {
  const auto mark_class = [](char32_t c) {
    return c < 0x300 ? 0 : u_getCombiningClass(static_cast<UChar32>(c));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (mark_class(text[i]) == 0) continue;
    size_t end = i + 1;
    while (end < text.size() && mark_class(text[end]) != 0) ++end;
    const auto at = [&](size_t k) { return text.begin() + static_cast<std::ptrdiff_t>(k); };
    if (end - i > 1) {
      std::stable_sort(at(i), at(end),
                       [&](char32_t a, char32_t b) { return mark_class(a) < mark_class(b); });
    }
    i = end;
  }
}

std::u32string normalize(const icu::Normalizer2* form, UErrorCode status,
                         std::u32string_view text) {
  if (is_ascii(text)) return std::u32string(text);
  std::u32string sorted(text);
  sort_combining_marks(sorted);
  icu::UnicodeString out;
  if (U_SUCCESS(status)) out = form->normalize(to_icu(sorted), status);
  if (U_FAILURE(status)) {
    throw Error(ErrorKind::kInternal, std::string("ICU cannot normalize: ") + u_errorName(status));
  }
  return from_icu(out);
}

uint32_t category_mask(char32_t c) { return U_GET_GC_MASK(static_cast<UChar32>(c)); }

bool is_in_unicode_8(char32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] <= 8;
}

}  // namespace

bool read_utf8(std::string_view utf8, size_t& i, char32_t& c) {
  const auto byte = [&](size_t k) -> uint32_t {
    return i + k < utf8.size() ? static_cast<uint8_t>(utf8[i + k]) : 0;
  };
  const uint32_t lead = byte(0);
  if (lead < 0x80) {
    c = lead;
    ++i;
    return true;
  }
  if (lead < 0xC2 || lead > 0xF4) return false;
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t code = lead & (0x7Fu >> length);
  for (size_t k = 1; k < length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return false;
    code = code << 6 | (byte(k) & 0x3F);
  }
  if (length == 3 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) return false;
  if (length == 4 && (code < 0x10000 || code > 0x10FFFF)) return false;
  c = code;
  i += length;
  return true;
}

std::optional<std::u32string> decode_utf8(std::string_view bytes) {
  std::u32string text;
  text.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    char32_t c = 0;
    if (!read_utf8(bytes, i, c)) return std::nullopt;
    text += c;
  }
  return text;
}

std::u32string from_utf8(std::string_view utf8) {
  auto text = decode_utf8(utf8);
  if (!text) throw Error(ErrorKind::kInternal, "from_utf8 was given malformed text");
  return *std::move(text);
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_utf8(c, out);
  return out;
}

std::u32string to_nfc(std::u32string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFCInstance(status);
  return normalize(form, status, text);
}

std::u32string to_nfd(std::u32string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFDInstance(status);
  return normalize(form, status, text);
}

std::u32string to_nfkc(std::u32string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFKCInstance(status);
  return normalize(form, status, text);
}

std::u32string to_lower(std::u32string_view text) {
  if (is_ascii(text)) {
    std::u32string out(text);
    for (char32_t& c : out) {
      if (c >= U'A' && c <= U'Z') c += U'a' - U'A';
    }
    return out;
  }
  return from_icu(to_icu(text).toLower(icu::Locale::getRoot()));
}

char32_t to_lower(char32_t c) { return static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))); }

bool is_ascii(std::u32string_view text) {
  return std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
}

bool is_letter(char32_t c) { return (category_mask(c) & U_GC_L_MASK) != 0; }
bool is_number(char32_t c) { return (category_mask(c) & U_GC_N_MASK) != 0; }
bool is_decimal_digit(char32_t c) { return (category_mask(c) & U_GC_ND_MASK) != 0; }
int digit_value(char32_t c) { return u_charDigitValue(static_cast<UChar32>(c)); }
bool is_white_space(char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

// Four characters have moved to another category since Unicode 8, two more are letters no longer.

bool is_punctuation_8(char32_t c) {
  if (c == 0x166D || c == 0x111C9) return true;
  return (category_mask(c) & U_GC_P_MASK) != 0 && is_in_unicode_8(c);
}

bool is_nonspacing_mark_8(char32_t c) {
  if (c == 0x1734) return true;
  if (c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) return false;
  return (category_mask(c) & U_GC_MN_MASK) != 0 && is_in_unicode_8(c);
}

bool is_control_8(char32_t c) {
  constexpr uint32_t kControl = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK;
  return (category_mask(c) & kControl) != 0 && is_in_unicode_8(c);
}

}  // namespace sd::text
