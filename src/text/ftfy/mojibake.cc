#include "text/ftfy/mojibake.h"

#include <bit>
#include <cstdint>
#include <vector>

#include "text/ftfy/page_table.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

// Categories as bits, for unions.
namespace Class {
enum : uint32_t {
  kCommon = 1u << 0,
  kC1 = 1u << 1,
  kBad = 1u << 2,
  kCurrency = 1u << 3,
  kStartPunctuation = 1u << 4,
  kEndPunctuation = 1u << 5,
  kNumeric = 1u << 6,
  kKaomoji = 1u << 7,
  kUpperAccented = 1u << 8,
  kLowerAccented = 1u << 9,
  kUpperCommon = 1u << 10,
  kLowerCommon = 1u << 11,
  kBox = 1u << 12,
  kUtf8FirstOf2 = 1u << 13,
  kUtf8FirstOf3 = 1u << 14,
  kUtf8FirstOf4 = 1u << 15,
  kUtf8Continuation = 1u << 16,
  kUtf8ContinuationStrict = 1u << 17,
  kAsciiLower = 1u << 18,
  kAsciiUpper = 1u << 19,
  kSpace = 1u << 20,  // what Python's re means by \s
};
}  // namespace Class

struct ClassRange {
  uint32_t classes;
  char32_t first, last;
};

constexpr ClassRange kRanges[] = {
#include "text/ftfy/char_ranges.inc"
    {Class::kAsciiLower, 'a', 'z'},  {Class::kAsciiUpper, 'A', 'Z'},
    {Class::kSpace, 0x09, 0x0D},     {Class::kSpace, 0x1C, 0x20},
    {Class::kSpace, 0x85, 0x85},     {Class::kSpace, 0xA0, 0xA0},
    {Class::kSpace, 0x1680, 0x1680}, {Class::kSpace, 0x2000, 0x200A},
    {Class::kSpace, 0x2028, 0x2029}, {Class::kSpace, 0x202F, 0x202F},
    {Class::kSpace, 0x205F, 0x205F}, {Class::kSpace, 0x3000, 0x3000},
};

/// One place of a telling sequence: which characters may stand there.
struct Place {
  enum Kind { kIn, kNotAsciiLetter, kWordCharacter, kNotNewline };
  uint32_t classes = 0;
  std::u32string_view chars;
  Kind kind = kIn;

  bool takes(char32_t c, uint32_t c_classes) const {
    switch (kind) {
      case kNotAsciiLetter:
        return !is_ascii_letter(c);
      case kWordCharacter:
        return c == U'_' || is_letter(c) || is_number(c);
      case kNotNewline:
        return c != U'\n';
      case kIn:
        break;
    }
    return (classes & c_classes) != 0 || chars.find(c) != std::u32string_view::npos;
  }
};

using Rule = std::vector<Place>;

Place in(uint32_t classes, std::u32string_view chars = {}) { return {classes, chars, Place::kIn}; }
Place in(std::u32string_view chars) { return {0, chars, Place::kIn}; }

/// Every character at its own place.
Rule literally(std::u32string_view chars) {
  Rule rule;
  for (size_t i = 0; i < chars.size(); ++i) rule.push_back(in(chars.substr(i, 1)));
  return rule;
}

Rule operator+(Rule rule, Place place) {
  rule.push_back(place);
  return rule;
}

std::vector<Rule> make_rules() {
  using namespace Class;
  constexpr uint32_t kAccented = kLowerAccented | kUpperAccented;
  constexpr uint32_t kPunctuation = kStartPunctuation | kEndPunctuation;
  constexpr uint32_t kAsciiLetter = kAsciiLower | kAsciiUpper;
  constexpr uint32_t kTellTale = kAccented | kBox | kPunctuation | kCurrency | kNumeric;
  constexpr uint32_t kArabicSecond = kCommon | kCurrency | kBad | kNumeric | kStartPunctuation;
  constexpr uint32_t kBetweenCapitals = kC1 | kBad | kPunctuation | kCurrency;
  constexpr std::u32string_view kArabicExtra = U"ŸŠ®°µ»";
  return {
      {in(kC1)},
      {in(kBad | kTellTale), in(kBad)},
      {in(kAsciiLetter), in(kLowerCommon | kUpperCommon), in(kBad)},
      {in(kBad), in(kTellTale)},
      {in(kLowerAccented | kLowerCommon | kBox | kEndPunctuation | kCurrency | kNumeric),
       in(kUpperAccented)},
      {in(kBox | kEndPunctuation | kCurrency | kNumeric), in(kLowerAccented)},
      {in(kLowerAccented | kBox | kEndPunctuation), in(kCurrency)},
      {in(kSpace), in(kUpperAccented), in(kCurrency)},
      {in(kUpperAccented | kBox), in(kNumeric)},
      {in(kAccented | kBox | kCurrency | kEndPunctuation), in(kStartPunctuation), in(kNumeric)},
      {in(kAccented | kCurrency | kNumeric | kBox), in(kEndPunctuation), in(kStartPunctuation)},
      {in(kCurrency | kNumeric | kBox), in(kStartPunctuation)},
      {in(kAsciiLower), in(kUpperAccented), in(kStartPunctuation | kCurrency)},
      {in(kBox), in(kKaomoji)},
      {in(kAccented | kCurrency | kNumeric | kPunctuation), in(kBox)},
      {in(kBox), in(kEndPunctuation)},
      {in(kAccented), in(kEndPunctuation), {0, {}, Place::kWordCharacter}},
      {in(U"Œœ"), {0, {}, Place::kNotAsciiLetter}},
      // Windows-1252, two characters
      {in(U"ÂÃÎÐ"), in(kPunctuation, U"€Šš¢£Ÿž\u00A0\u00AD®©°·»–—´")},
      {in(U"×"), in(U"²³")},
      {in(U"ØÙ"), in(kArabicSecond, kArabicExtra), in(U"ØÙ"), in(kArabicSecond, kArabicExtra)},
      {in(U"à"), in(U"²µ¹¼½¾")},
      // MacRoman
      {in(U"√"), in(U"±∂†≠®™´≤≥¥µø")},
      {in(U"≈"), in(U"°¢")},
      literally(U"‚Ä") + in(U"ìîïòôúùû†°¢π"),
      {in(U"‚"), in(U"âó"), in(U"àä°ê")},
      // Windows-1251
      literally(U"вЂ"),
      {in(U"ВГРС"), in(kBetweenCapitals, U"°µ"), in(U"ВГРС")},
      literally(U"ГўВЂВ") + Place{0, {}, Place::kNotNewline} + in(kAsciiLetter, U" "),
      // Windows-1252: à and á, the no-break space
      {in(U"Ã"), in(U"\u00A0¡")},
      {in(kAsciiLower), in(U"ÃÂ"), in(U" ")},
      {in(kAsciiLower), in(kSpace), in(U"ÃÂ"), in(U" ")},
      {in(kAsciiLower | kEndPunctuation, U".,?!"), in(U"Â"), in(kPunctuation, U" ")},
      // Windows-1253
      literally(U"β€") + in(U"™\u00A0Ά\u00AD®°"),
      {in(U"ΒΓΞΟ"), in(kBetweenCapitals, U"°"), in(U"ΒΓΞΟ")},
  };
}

/// The rules, and for each character its classes and the rules that may start with it.
struct Tables {
  struct Entry {
    uint64_t rules = 0;
    uint32_t classes = 0;
  };

  Tables() : rules(make_rules()) {
    static_assert(sizeof(Entry::rules) * 8 >= 64);
    for (const ClassRange& range : kRanges) {
      for (char32_t c = range.first; c <= range.last; ++c) chars.at(c).classes |= range.classes;
    }
    for (size_t i = 0; i < rules.size(); ++i) {
      const Place& first = rules[i].front();
      for (char32_t c : first.chars) chars.at(c).rules |= uint64_t{1} << i;
      for (const ClassRange& range : kRanges) {
        if ((range.classes & first.classes) == 0) continue;
        for (char32_t c = range.first; c <= range.last; ++c) {
          chars.at(c).rules |= uint64_t{1} << i;
        }
      }
    }
  }

  std::vector<Rule> rules;
  PageTable<Entry> chars;
};

const Tables& tables() {
  static const Tables instance;
  return instance;
}

/// Whether the places of `rule` behind its first take the characters from `i` on.
bool rest_matches(const Tables& known, const Rule& rule, std::u32string_view text, size_t i) {
  if (text.size() - i < rule.size() - 1) return false;
  for (size_t k = 1; k < rule.size(); ++k, ++i) {
    if (!rule[k].takes(text[i], known.chars[text[i]].classes)) return false;
  }
  return true;
}

}  // namespace

bool is_bad(std::u32string_view text) {
  if (text.starts_with(U"Ã ") || text.starts_with(U"Â ")) return true;
  const Tables& known = tables();
  for (size_t i = 0; i < text.size(); ++i) {
    for (uint64_t open = known.chars[text[i]].rules; open != 0; open &= open - 1) {
      const Rule& rule = known.rules[static_cast<size_t>(std::countr_zero(open))];
      if (rest_matches(known, rule, text, i + 1)) return true;
    }
  }
  return false;
}

size_t misread_utf8_run(std::u32string_view text, size_t start) {
  const Tables& known = tables();
  const auto classes = [&](size_t i) { return known.chars[text[i]].classes; };
  const auto continues = [&](size_t i, size_t count) {
    if (text.size() - i < count) return false;
    for (size_t k = 0; k < count; ++k) {
      if ((classes(i + k) & Class::kUtf8Continuation) == 0) return false;
    }
    return true;
  };
  if (start > 0 && (classes(start - 1) & Class::kUtf8ContinuationStrict) != 0) return 0;
  size_t i = start;
  while (i < text.size()) {
    const uint32_t first = classes(i);
    if ((first & Class::kUtf8FirstOf2) != 0 && continues(i + 1, 1)) {
      i += 2;
    } else if ((first & Class::kUtf8FirstOf3) != 0 && continues(i + 1, 2)) {
      i += 3;
    } else if ((first & Class::kUtf8FirstOf4) != 0 && continues(i + 1, 3)) {
      i += 4;
    } else {
      break;
    }
  }
  return i - start;
}

}  // namespace sd::text
