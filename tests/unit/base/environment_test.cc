// What the environment says of the user's folders.

#include "base/environment.h"

#include <gtest/gtest.h>

#include "support/variable.h"

namespace sd::test {
namespace {

TEST(Environment, AnAbsentVariableIsEmpty) {
  const Variable set("SD_TEST_VARIABLE", "a value");
  EXPECT_EQ(variable("SD_TEST_VARIABLE"), "a value");
  EXPECT_EQ(variable("SD_TEST_NO_SUCH_VARIABLE"), "");
}

TEST(Environment, TheUsersFoldersAreXdgs) {
  const Variable home("HOME", "/home/me");
  {
    const Variable given("SD_TEST_VARIABLE", "/there");
    EXPECT_EQ(user_folder("SD_TEST_VARIABLE", ".config"), "/there");
  }
  for (const char* none : {"", "relative"}) {
    const Variable given("SD_TEST_VARIABLE", none);
    EXPECT_EQ(user_folder("SD_TEST_VARIABLE", ".config"), "/home/me/.config");
    const Variable nowhere("HOME", none);
    EXPECT_EQ(user_folder("SD_TEST_VARIABLE", ".config"), "");
  }
}

}  // namespace
}  // namespace sd::test
