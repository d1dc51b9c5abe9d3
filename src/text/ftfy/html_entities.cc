#include "text/ftfy/html_entities.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "text/ftfy/codecs.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

struct EntityRow {
  std::string_view name;
  char32_t value[3];  // unused places are 0
};

// The names of the HTML standard, and lower-case names of letters written in capitals, which give
// the capital letter.
constexpr EntityRow kEntities[] = {
#include "text/ftfy/html_entities.inc"
};

constexpr size_t kLongestName = 24;

std::optional<std::u32string> named(std::u32string_view name) {
  std::string key;
  for (const char32_t c : name) key += static_cast<char>(c);
  const auto* row = std::lower_bound(
      std::begin(kEntities), std::end(kEntities), key,
      [](const EntityRow& entity, const std::string& wanted) { return entity.name < wanted; });
  if (row == std::end(kEntities) || row->name != key) return std::nullopt;
  std::u32string value;
  for (const char32_t c : row->value) {
    if (c != 0) value += c;
  }
  return value;
}

/// What HTML makes of code point `number`; empty for those that it drops.
std::u32string referenced(uint32_t number) {
  const auto is_between = [&](uint32_t first, uint32_t last) {
    return number >= first && number <= last;
  };
  if (number == 0 || is_between(0xD800, 0xDFFF) || number > 0x10FFFF) return U"\uFFFD";
  if (is_between(0x80, 0x9F)) {
    return {decoded_byte(Encoding::kSloppyWindows1252, static_cast<uint8_t>(number))};
  }
  const bool is_dropped = is_between(0x01, 0x08) || number == 0x0B || is_between(0x0E, 0x1F) ||
                          number == 0x7F || is_between(0xFDD0, 0xFDEF) ||
                          (number & 0xFFFE) == 0xFFFE;
  if (is_dropped) return {};
  return {static_cast<char32_t>(number)};
}

/// The value of "#…" (without the '#'); nothing if it is not a number altogether.
std::optional<std::u32string> numbered(std::u32string_view digits) {
  const bool is_hex = !digits.empty() && (digits[0] == U'x' || digits[0] == U'X');
  if (is_hex) digits.remove_prefix(1);
  if (digits.empty()) return std::nullopt;
  uint32_t number = 0;
  for (const char32_t c : digits) {
    uint32_t digit = 0;
    if (c >= U'0' && c <= U'9') {
      digit = c - U'0';
    } else if (is_hex && is_ascii_letter(c) && (c | 0x20) <= U'f') {
      digit = (c | 0x20) - U'a' + 10;
    } else {
      return std::nullopt;
    }
    number = std::min<uint32_t>(number * (is_hex ? 16 : 10) + digit, 0x110000);
  }
  // ftfy takes a semicolon in the result for one that was not part of the reference.
  if (number == U';') return std::nullopt;
  return referenced(number);
}

/// The value of the reference whose text between '&' and ';' is `inner`, if it has one.
std::optional<std::u32string> value_of(std::u32string_view inner) {
  return inner.starts_with(U'#') ? numbered(inner.substr(1)) : named(inner);
}

/// The length between '&' and ';' of what looks like a reference at text[amp], or 0.
size_t inner_length(std::u32string_view text, size_t amp) {
  size_t i = amp + 1;
  if (i < text.size() && text[i] == U'#') ++i;
  const size_t start = i;
  while (i < text.size() && i - start <= kLongestName && is_ascii_alnum(text[i])) ++i;
  const size_t length = i - start;
  if (length == 0 || length > kLongestName || i == text.size() || text[i] != U';') return 0;
  return i - amp - 1;
}

/// The '&' of the reference that the last character of `text`, a semicolon, ends; npos if none.
size_t opening_ampersand(std::u32string_view text) {
  size_t i = text.size() - 1;
  size_t length = 0;
  while (i > 0 && length <= kLongestName && is_ascii_alnum(text[i - 1])) {
    --i;
    ++length;
  }
  if (length == 0 || length > kLongestName || i == 0) return std::u32string_view::npos;
  if (text[i - 1] == U'#') --i;
  return i > 0 && text[i - 1] == U'&' ? i - 1 : std::u32string_view::npos;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  if (text.find(U'&') == std::u32string_view::npos) return std::u32string(text);
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = text[i] == U'&' ? inner_length(text, i) : 0;
    if (length == 0) {
      out += text[i++];
      continue;
    }
    const auto value = value_of(text.substr(i + 1, length));
    out += value ? std::u32string_view(*value) : text.substr(i, length + 2);
    i += length + 2;
  }
  return out;
}

bool unescape_html_fully(std::u32string& text, bool (*is_plain)(char32_t)) {
  // References never overlap, so the order in which they are replaced does not matter: each is
  // replaced as soon as its semicolon is there, and its value is read like any other text.
  std::u32string out;
  out.reserve(text.size());
  std::u32string pending;  // values to read, the next character last
  for (size_t i = 0; i < text.size() || !pending.empty();) {
    if (pending.empty()) {
      out += text[i++];
    } else {
      out += pending.back();
      pending.pop_back();
    }
    if (out.back() != U';') continue;
    const size_t amp = opening_ampersand(out);
    if (amp == std::u32string::npos) continue;
    const auto value = value_of(std::u32string_view(out).substr(amp + 1, out.size() - amp - 2));
    if (!value) continue;
    if (!std::all_of(value->begin(), value->end(), is_plain)) return false;
    out.resize(amp);
    pending.append(value->rbegin(), value->rend());
  }
  text = std::move(out);
  return true;
}

}  // namespace sd::text
