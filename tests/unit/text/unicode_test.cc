#include "text/unicode.h"

#include <gtest/gtest.h>

#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {
using namespace text;

namespace {

std::string message_of(std::string_view prompt) {
  try {
    check_prompt(prompt);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  return "";
}

TEST(Utf8, GoesThroughCodePointsAndBack) {
  const std::string text = "a\u00e9\u4e2d\U0001F600\U0010FFFF";
  const std::u32string points = from_utf8(text);
  EXPECT_EQ(points, U"a\u00e9\u4e2d\U0001F600\U0010FFFF");
  EXPECT_EQ(to_utf8(points), text);
}

TEST(Utf8, RefusesWhatIsNotWellFormed) {
  for (const char* bytes : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
                            "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3",
                            "\xE4\xB8", "\xF0\x9F\x98", "\xFF", "\xC3("}) {
    EXPECT_FALSE(decode_utf8(bytes)) << bytes;
    EXPECT_NE(message_of(bytes), "");
  }
}

TEST(CheckPrompt, NamesTheByteAndWhatStandsBeforeIt) {
  EXPECT_EQ(message_of("a caf\xE9 at night"),
            "the prompt is not UTF-8 text: byte 6 is 0xE9, after \"a caf\"");
  const std::string late = message_of(std::string(500, 'x').append(" the very end: \xFF"));
  EXPECT_NE(late.find("byte 516 is 0xFF"), std::string::npos) << late;
  EXPECT_NE(late.find("the very end: \""), std::string::npos) << late;
  EXPECT_LT(late.size(), 140u);
}

TEST(CheckPrompt, TakesNulAndTheEmptyText) {
  EXPECT_EQ(message_of(std::string_view("a\0b", 3)), "");
  EXPECT_EQ(message_of(""), "");
}

TEST(Normalization, ComposesAndDecomposes) {
  EXPECT_EQ(to_nfc(U"e\u0301 a\u0308\u0323 \u212b"), U"\u00e9 \u1ea1\u0308 \u00c5");
  EXPECT_EQ(to_nfd(U"\u00e9\uac00"), U"e\u0301\u1100\u1161");
  EXPECT_EQ(to_nfkc(U"\uff76\uff9e"), U"\u30ac");
}

TEST(Normalization, OrdersLongRunsOfMarks) {
  // By insertion this would take some 10^10 steps.
  std::u32string marks = U"x";
  for (int i = 0; i < 200'000; ++i) marks += i % 2 == 0 ? U'\u0301' : U'\u0323';
  const std::u32string ordered = to_nfd(marks);
  ASSERT_EQ(ordered.size(), marks.size());
  EXPECT_EQ(ordered[1], U'\u0323');
  EXPECT_EQ(ordered[100'000], U'\u0323');
  EXPECT_EQ(ordered[100'001], U'\u0301');
}

TEST(LowerCase, IsFullForTextsAndSimpleForCharacters) {
  EXPECT_EQ(to_lower(U"ΟΔΥΣΣΕΥΣ ΑΣ. Σ"), U"οδυσσευς ας. σ");
  EXPECT_EQ(to_lower(U"İI"), U"i\u0307i");
  EXPECT_EQ(to_lower(U'Σ'), U'σ');
}

}  // namespace
}  // namespace sd
