// Texts in pieces.

#include "base/split.h"

#include <gtest/gtest.h>

namespace sd::test {
namespace {

using Pieces = std::vector<std::string_view>;

TEST(Split, GivesWhatStandsBetweenSeparators) {
  EXPECT_EQ(split("a,bc,d", ','), (Pieces{"a", "bc", "d"}));
  EXPECT_EQ(split(",a,,", ','), (Pieces{"", "a", "", ""}));
  EXPECT_EQ(split("a", ','), (Pieces{"a"}));
  EXPECT_EQ(split("", ','), (Pieces{""}));
}

TEST(Split, OfAnEmptyListIsNothing) {
  EXPECT_EQ(split_list("", ','), Pieces());
  EXPECT_EQ(split_list("a,b", ','), (Pieces{"a", "b"}));
}

}  // namespace
}  // namespace sd::test
