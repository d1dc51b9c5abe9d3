#include "text/ftfy/text_fixer.h"

#include <algorithm>
#include <array>

#include "text/ftfy/encoding_repair.h"
#include "text/ftfy/html_entities.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

constexpr size_t kMaxSegment = 1'000'000;

// --- single characters ---------------------------------------------------------------------------

constexpr char32_t kFirstWide = 0xFF01;
constexpr char32_t kLastWide = 0xFFEF;

/// The usual form of the half-width and full-width forms U+FF01 to U+FFEF.
const std::u32string& usual_width(char32_t c) {
  static const auto table = [] {
    std::array<std::u32string, kLastWide - kFirstWide + 1> forms;
    for (char32_t wide = kFirstWide; wide <= kLastWide; ++wide) {
      forms[wide - kFirstWide] = to_nfkc(std::u32string_view(&wide, 1));
    }
    return forms;
  }();
  return table[c - kFirstWide];
}

struct Ligature {
  char32_t character;
  std::u32string_view letters;
};

// Latin ligatures, and the digraphs of Dutch, Afrikaans and Serbo-Croatian.
constexpr Ligature kLigatures[] = {
    {0x0132, U"IJ"},      {0x0133, U"ij"},      {0x0149, U"\u02BCn"}, {0x01C4, U"D\u017D"},
    {0x01C5, U"D\u017E"}, {0x01C6, U"d\u017E"}, {0x01C7, U"LJ"},      {0x01C8, U"Lj"},
    {0x01C9, U"lj"},      {0x01CA, U"NJ"},      {0x01CB, U"Nj"},      {0x01CC, U"nj"},
    {0x01F1, U"DZ"},      {0x01F2, U"Dz"},      {0x01F3, U"dz"},      {0xFB00, U"ff"},
    {0xFB01, U"fi"},      {0xFB02, U"fl"},      {0xFB03, U"ffi"},     {0xFB04, U"ffl"},
    {0xFB05, U"\u017Ft"}, {0xFB06, U"st"},
};

/// The letters of a ligature; empty for any other character.
std::u32string_view ligature_letters(char32_t c) {
  if (c < 0x132 || (c > 0x1F3 && c < 0xFB00) || c > 0xFB06) return {};
  for (const Ligature& ligature : kLigatures) {
    if (ligature.character == c) return ligature.letters;
  }
  return {};
}

bool is_single_quote(char32_t c) { return c == 0x02BC || (c >= 0x2018 && c <= 0x201B); }
bool is_double_quote(char32_t c) { return c >= 0x201C && c <= 0x201F; }

/// Ligatures, widths and quotes, in this order; each step reads what the last one wrote.
void append_plain_forms(char32_t c, std::u32string& out) {
  const std::u32string_view letters = ligature_letters(c);
  if (!letters.empty()) {
    for (const char32_t letter : letters) out += is_single_quote(letter) ? U'\'' : letter;
  } else if (c == 0x3000) {
    out += U' ';
  } else if (c >= kFirstWide && c <= kLastWide) {
    out += usual_width(c);
  } else if (is_single_quote(c)) {
    out += U'\'';
  } else if (is_double_quote(c)) {
    out += U'"';
  } else {
    out += c;
  }
}

bool is_line_break(char32_t c) { return c == U'\r' || c == 0x85 || c == 0x2028 || c == 0x2029; }

/// Control characters without a visible effect. White space, joiners and direction marks stay.
bool is_removed_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

/// ASCII that no step but unescape_html changes.
bool is_inert(char32_t c) { return c < 0x80 && c != U'\r' && !is_removed_control(c); }

// --- the steps -----------------------------------------------------------------------------------

std::u32string with_plain_forms(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_plain_forms(c, out);
  return out;
}

void fix_line_breaks(std::u32string& text) {
  size_t kept = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n') continue;
    text[kept++] = is_line_break(text[i]) ? U'\n' : text[i];
  }
  text.resize(kept);
}

/// The length of a terminal's colour or cursor sequence at text[i], or 0: ESC [ digits letter.
size_t terminal_escape(std::u32string_view text, size_t i) {
  if (text[i] != 0x1B || i + 1 >= text.size() || text[i + 1] != U'[') return 0;
  size_t end = i + 2;
  while (end < text.size() && (text[end] == U';' || is_decimal_digit(text[end]))) ++end;
  return end < text.size() && is_ascii_letter(text[end]) ? end + 1 - i : 0;
}

void remove_terminal_escapes_and_controls(std::u32string& text) {
  size_t kept = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t escape = terminal_escape(text, i);
    if (escape == 0 && !is_removed_control(text[i])) text[kept++] = text[i];
    i += std::max<size_t>(escape, 1);
  }
  text.resize(kept);
}

std::u32string fix_segment(std::u32string text, bool unescape, WorkBudget& budget) {
  while (budget.spend(text.size())) {
    if (std::all_of(text.begin(), text.end(), is_inert)) {
      if (!unescape || unescape_html_fully(text, is_inert)) return text;
    }
    std::u32string next = unescape ? unescape_html(text) : text;
    next = fix_encoding(std::move(next), budget);
    fix_c1_controls(next);
    next = with_plain_forms(next);
    fix_line_breaks(next);
    remove_terminal_escapes_and_controls(next);
    next = to_nfc(next);
    if (next == text) break;
    text = std::move(next);
  }
  return text;
}

}  // namespace

std::u32string fix_text(std::u32string_view text) {
  WorkBudget budget(text.size());
  std::u32string out;
  out.reserve(text.size());
  bool unescape = true;
  while (!text.empty()) {
    size_t length = std::min(text.find(U'\n'), text.size() - 1) + 1;
    length = std::min(length, kMaxSegment);
    const std::u32string_view segment = text.substr(0, length);
    if (segment.find(U'<') != std::u32string_view::npos) unescape = false;
    out += fix_segment(std::u32string(segment), unescape, budget);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace sd::text
