// The form of settings files: a part of TOML, and nothing of it read otherwise than it is meant.

#include "cli/settings_lines.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sd::test {
using namespace cli;

namespace {

using Words = std::vector<std::string>;

std::vector<SettingLine> lines_of(const std::string& text) {
  return read_setting_lines(text, "f.toml");
}

/// The values of the only statement.
Words values_of(const std::string& text) {
  const auto lines = lines_of(text);
  EXPECT_EQ(lines.size(), 1U) << text;
  return lines.empty() ? Words() : lines.front().values;
}

void expect_refused(const std::string& text, const std::string& part) {
  SCOPED_TRACE(text.substr(0, 100));
  expect_error(ErrorKind::kUsage, "f.toml: " + part, [&] { lines_of(text); });
}

TEST(SettingLines, AreKeysValuesAndSections) {
  const auto lines = lines_of(
      "H=8 # short\n\n  \"a b\" = 'x'\t\n[ one . 'two three' ] # here\nk.l = true\nm-n_0 = "
      "-1.5e3\n");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].key, "H");
  EXPECT_EQ(lines[0].values, Words{"8"});
  EXPECT_EQ(lines[1].key, "a b");
  EXPECT_EQ(lines[1].number, 3);
  EXPECT_TRUE(lines[1].section.empty());
  EXPECT_EQ(lines[2].section, (Words{"one", "two three", "k"}));
  EXPECT_EQ(lines[2].key, "l");
  EXPECT_EQ(lines[3].section, (Words{"one", "two three"}));
  EXPECT_EQ(lines[3].values, Words{"-1.5e3"});
  EXPECT_TRUE(lines_of("").empty());
  EXPECT_TRUE(lines_of("# alone").empty());
}

TEST(SettingLines, TakeTextsAsTheyAre) {
  EXPECT_EQ(values_of("k = \"a, 'b' # = [c]\""), Words{"a, 'b' # = [c]"});
  EXPECT_EQ(values_of("k = 'C:\\a, \"b\\'"), Words{"C:\\a, \"b\\"});
  EXPECT_EQ(values_of("k = \"\""), Words{""});
  EXPECT_EQ(values_of("k = \"ein Käse 🧀\""), Words{"ein Käse 🧀"});
}

TEST(SettingLines, TakeTheEscapesOfToml) {
  EXPECT_EQ(values_of(R"(k = "a \"cat's\" \\(b\\) \n\t\u00e9\U0001F600" # c)"),
            Words{"a \"cat's\" \\(b\\) \n\té😀"});
  EXPECT_EQ(values_of(R"(k = ["\\", "b\\"])"), (Words{"\\", "b\\"}));
}

TEST(SettingLines, TakeListsHoweverTheyAreSpaced) {
  for (const char* list : {"['a', \"b, c\", 3]", "[ 'a' , 'b, c' , 3 , ]", "['a','b, c',3]",
                           "[\n 'a', # one ]\n\n 'b, c'\n , 3\n]"}) {
    EXPECT_EQ(values_of(std::string("k = ") + list), (Words{"a", "b, c", "3"})) << list;
  }
  EXPECT_EQ(values_of("k = []"), Words{});
}

TEST(SettingLines, AreTheSameWithOtherEndsOfLines) {
  const auto lines = lines_of("\xEF\xBB\xBFone = 1\r\n\r\n[s] # x\r\ntwo = [\r\n2, 3\r\n]\r\n");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].key, "one");
  EXPECT_EQ(lines[1].values, (Words{"2", "3"}));
  EXPECT_EQ(lines[1].number, 4);
}

TEST(SettingLines, AreRefusedWhereTheyAreNotOfThatForm) {
  expect_refused("steps", "line 1: expected key = value, found steps");
  expect_refused("; steps = 3", "line 1: expected key = value");
  expect_refused("= 3", "line 1: expected key = value");
  expect_refused("a b = 3", "line 1: expected key = value");
  expect_refused("stéps = 3", "line 1: expected key = value");
  expect_refused("a. = 3", "line 1: expected key = value");
  expect_refused("k =", "line 1: expected a value");
  expect_refused("k = # 3", "line 1: expected a value");
  expect_refused("k = {a = 1}", "line 1: expected a value");
  expect_refused("k = `x`", "line 1: expected a value");
  expect_refused("k = [[1], [2]]", "line 1: expected a value");
  expect_refused("\n\nk = a red cat", "line 3: expected the end of the line, found red cat");
  expect_refused("k = 1, 2", "line 1: expected the end of the line");
  expect_refused("k = 'it''s'", "line 1: expected the end of the line");
  expect_refused("k = 1\rl = 2", "line 1: expected the end of the line");
  expect_refused("[s] k = 1", "line 1: expected the end of the line");
  expect_refused("\nk = \"a cat\n", "line 2: a text without its closing quote");
  for (const char* escape :
       {"\\m", "\\u12", "\\u12g4", "\\ud800", "\\u0000", "\\U00110000", "\\ ", "\\'"}) {
    expect_refused(std::string("k = \"a ") + escape + "\"", "line 1: a backslash within");
  }
  for (const char* open : {"\\", "\\\"", "\\u12"})
    expect_refused(std::string("k = \"a") + open, "line 1: ");
  expect_refused("k = \"\"\"a\"\"\"", "line 1: a text between three quotes");
  expect_refused("k = [1, 2", "line 1: a list without its closing bracket");
  expect_refused("k = [1 2]", "line 1: a list without its comma");
  expect_refused("[[s]]\nk = 1", "line 1: expected the name of a section");
  expect_refused("[]", "line 1: expected the name of a section");
  expect_refused("[s", "line 1: a section without its closing bracket");
  expect_refused("a.b.c.d.e.f.g.h.i = 1", "line 1: expected key = value");
  expect_refused(std::string(101, 'a') + " = 1", "line 1: expected key = value");
}

TEST(SettingLines, AreRefusedWhereTheyAreNoText) {
  expect_refused(std::string("k = 1\0", 6), "it is not UTF-8 text");
  expect_refused("k = \"\xFF\"", "it is not UTF-8 text");
  expect_refused("k = \"\x1b[31m\"", "it is not UTF-8 text");
  expect_refused("\xFF\xFEk\0 \0=\0 \0001\0", "it is not UTF-8 text");
}

/// In proportion to its length: some millions of values in a breath.
TEST(SettingLines, OfGreatLengthAreReadAtOnce) {
  std::string list = "k = [1";
  for (int i = 0; i < 500'000; ++i) list += ",1";
  EXPECT_EQ(values_of(list + "]").size(), 500'001U);
}

}  // namespace
}  // namespace sd::test
