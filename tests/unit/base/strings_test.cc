#include "base/strings.h"

#include <gtest/gtest.h>

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

TEST(Strings, Utf8IsCheckedStrictly) {
  EXPECT_TRUE(is_valid_utf8("plain, é, 日本, 😀"));
  EXPECT_FALSE(is_valid_utf8("\xc0\x80"));          // overlong NUL
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_valid_utf8("\xe2\x82"));          // cut short
}

}  // namespace
}  // namespace sd
