#include "job/hash_list.h"

#include <gtest/gtest.h>

namespace sd::test {
using namespace job;

namespace {

TEST(HashList, ComesBackAsItWas) {
  const std::vector<NamedHash> files = {{"mist", "7c59dcce76ec"}, {"a b", "0123456789ab"}};
  EXPECT_EQ(write_hash_list(files), "mist: 7c59dcce76ec, a b: 0123456789ab");
  EXPECT_EQ(parse_hash_list(write_hash_list(files)), files);
  EXPECT_EQ(write_hash_list({}), "");
}

TEST(HashList, HasEachFileOnceAndNoSeparatorsInNames) {
  EXPECT_EQ(write_hash_list({{"a:b,c", "1"}, {"abc", "1"}, {"abc", "2"}}), "abc: 1, abc: 2");
  EXPECT_EQ(parse_hash_list("a: 1, a: 1,b:2"), (std::vector<NamedHash>{{"a", "1"}, {"b", "2"}}));
}

TEST(HashList, PassesOverWhatIsNone) {
  for (const char* text : {"", ",", ":", "a", "a:", ": 1", "a,, :"}) {
    EXPECT_TRUE(parse_hash_list(text).empty()) << text;
  }
}

TEST(HashList, AHashIsKnownByItsFirstDigits) {
  EXPECT_TRUE(is_start_of("0123ABCD", "0123abcdef"));
  EXPECT_TRUE(is_start_of("0123abcdef", "0123abcdef"));
  EXPECT_FALSE(is_start_of("0123abc", "0123abcdef"));  // too few to tell
  EXPECT_FALSE(is_start_of("0123abcdef0", "0123abcdef"));
  EXPECT_FALSE(is_start_of("1123abcd", "0123abcdef"));
}

}  // namespace
}  // namespace sd::test
