#include "base/strings.h"

#include <gtest/gtest.h>

#include "base/printable.h"

namespace sd {
namespace {

TEST(Strings, ShapesReadLikePythonLists) {
  EXPECT_EQ(shape_string({}), "[]");
  EXPECT_EQ(shape_string({1, 320, 64, 64}), "[1, 320, 64, 64]");
}

TEST(Strings, BytesAreShownInTheLargestUnit) {
  EXPECT_EQ(human_bytes(17), "17 bytes");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(4ULL << 30), "4.0 GiB");
}

TEST(Strings, PrintableShowsWhatATerminalMustNotGet) {
  EXPECT_EQ(printable("a\x1b[31mé"), "a\\x1B[31mé");
  EXPECT_EQ(printable("\xff\xc3"), "\\xFF\\xC3");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Strings, PrintableShowsEveryKindOfControl) {
  const std::pair<const char*, const char*> cases[] = {
      {"\u0080\u009b\u009f", "\\xC2\\x80\\xC2\\x9B\\xC2\\x9F"},            // C1
      {"\u200e\u200f\u061c", "\\xE2\\x80\\x8E\\xE2\\x80\\x8F\\xD8\\x9C"},  // marks of direction
      {"\u202a\u202e", "\\xE2\\x80\\xAA\\xE2\\x80\\xAE"},                  // embeddings, overrides
      {"\u2066\u2069", "\\xE2\\x81\\xA6\\xE2\\x81\\xA9"},                  // isolates
      {"\u2028\u2029", "\\xE2\\x80\\xA8\\xE2\\x80\\xA9"},                  // separators
      {"\ufeff\u00ad", "\\xEF\\xBB\\xBF\\xC2\\xAD"},                       // other formats
      {"\U000e0041", "\\xF3\\xA0\\x81\\x81"},                              // a tag
      {"\u0378\uffff", "\\xCD\\xB8\\xEF\\xBF\\xBF"},                       // not assigned
      {"\x7f\n\t", "\\x7F\\x0A\\x09"},
      {"a é 日本 👍🏽 ½", "a é 日本 👍🏽 ½"}};
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(printable(text), shown);
    EXPECT_EQ(printable(shown), shown);
  }
}

TEST(Strings, PrintableCanBeUndone) {
  for (const char* text :
       {"caf\xe9.ckpt", "\x1b[31m\u009b\u202e", "plain, é", "a\\b", "\\x", "\\xg1"}) {
    EXPECT_EQ(unprintable(printable(text)), text);
  }
  EXPECT_EQ(unprintable("\\x4"), "\\x4");
}

TEST(Strings, PrintableLinesKeepTheirBreaks) {
  EXPECT_EQ(printable_lines("a\n\n\x1b\u202e b\r\n"), "a\n\n\\x1B\\xE2\\x80\\xAE b\\x0D\n");
  EXPECT_EQ(printable_lines("no break"), "no break");
  EXPECT_EQ(printable_lines(""), "");
}

TEST(Strings, PrintableJsonMeansTheSame) {
  EXPECT_EQ(printable_json("{\n \"a\": \"é\u009b\u202e\U000e0041\x7f\"\n}"),
            "{\n \"a\": \"é\\u009b\\u202e\\udb40\\udc41\\u007f\"\n}");
}

TEST(Strings, Utf8IsCheckedStrictly) {
  EXPECT_TRUE(is_valid_utf8("plain, é, 日本, 😀"));
  EXPECT_FALSE(is_valid_utf8("\xc0\x80"));          // overlong NUL
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_valid_utf8("\xe2\x82"));          // cut short
}

}  // namespace
}  // namespace sd
