// Prompts made from templates: the grammar of the dynamicprompts package, choices that depend on
// the seed alone, and templates that have no end.

#include "text/dynamic_prompt.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/expect_error.h"

namespace sd::test {
using namespace text;

namespace {

const std::vector<WildcardValue>& lookup(const std::string& name) {
  static const std::map<std::string, std::vector<WildcardValue>> lists = {
      {"colours", {{"blue"}, {"green"}, {"red"}}},
      {"season", {{"summer"}, {"{autumn|fall}"}}},
      {"clothes", {{"${season:no} shirts"}}},
      {"self", {{"__self__"}}},
      {"twice", {{"__twice____twice__"}}}};
  const auto found = lists.find(name);
  if (found == lists.end()) throw Error(ErrorKind::kFile, "no wildcard " + name);
  return found->second;
}

std::string expand(std::string_view text, uint64_t seed = 0, uint64_t place = 0) {
  return expand_prompt(text, {.seed = seed, .place = place}, lookup);
}

/// All that a template gives.
std::set<std::string> all_of(std::string_view text) {
  std::set<std::string> all;
  for (uint64_t seed = 0; seed < 400; ++seed) all.insert(expand(text, seed));
  return all;
}

using Set = std::set<std::string>;

TEST(DynamicPrompt, TakesAnOption) {
  EXPECT_EQ(all_of("a {red|blue} {dog|{cat|hat}}"),
            Set({"a red dog", "a red cat", "a red hat", "a blue dog", "a blue cat", "a blue hat"}));
  EXPECT_EQ(all_of("{ a| b|}c"), Set({"ac", "bc", "c"}));
  EXPECT_EQ(expand("no brackets (a:1.2) [b|c]"), "no brackets (a:1.2) [b|c]");
  EXPECT_EQ(expand("a # comment\nb"), "a \nb");
}

TEST(DynamicPrompt, TakesOptionsByTheirWeight) {
  EXPECT_EQ(all_of("{0::a|1::b}"), Set({"b"}));
  int rare = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed) rare += expand("{9::a|b}", seed) == "b" ? 1 : 0;
  EXPECT_NEAR(rare, 400, 80);
}

TEST(DynamicPrompt, TakesSeveralWithoutRepeats) {
  EXPECT_EQ(all_of("{2$$a|b}"), Set({"a,b", "b,a"}));
  EXPECT_EQ(all_of("{1-2$$ and $$a|b}"), Set({"a", "b", "a and b", "b and a"}));
  EXPECT_EQ(all_of("{-2$$a|b}"), Set({"a", "b", "a,b", "b,a"}));
  EXPECT_EQ(all_of("{2-$$a|b}"), Set({"a,b", "b,a"}));
  EXPECT_EQ(all_of("{5$$a}"), Set({"a"}));
  EXPECT_EQ(all_of("{0$$a|b}"), Set({""}));
  for (const std::string& two : all_of("{2$$__colours__}")) {
    EXPECT_NE(two.substr(0, two.find(',')), two.substr(two.find(',') + 1)) << two;
  }
}

TEST(DynamicPrompt, TakesValuesOfWildcards) {
  EXPECT_EQ(all_of("a __colours__ hat"), Set({"a blue hat", "a green hat", "a red hat"}));
  EXPECT_EQ(all_of("__season__"), Set({"summer", "autumn", "fall"}));
  EXPECT_EQ(expand("__clothes(season=winter)__, __clothes__"), "winter shirts, no shirts");
  EXPECT_EQ(expand("a__b"), "a__b");
  expect_error(ErrorKind::kFile, "no wildcard none", [] { expand("__none__"); });
}

TEST(DynamicPrompt, KnowsVariables) {
  EXPECT_EQ(all_of("${x=!{a|b}}${x}${x}"), Set({"aa", "bb"}));
  EXPECT_EQ(all_of("${x={a|b}}${x}${x}"), Set({"aa", "ab", "ba", "bb"}));
  EXPECT_EQ(expand("${x=a}${x?=b}${y?=c}${x}${y}"), "ac");
  EXPECT_EQ(expand("${x:d} ${ y : e }"), "d e");
  EXPECT_EQ(expand("%{a ... frame$${big} cat}"), "a big cat frame");
  expect_error(ErrorKind::kUsage, "no value", [] { expand("${x}"); });
}

TEST(DynamicPrompt, GoesThroughOptionsInTurn) {
  std::vector<std::string> turns, all;
  for (uint64_t place = 0; place < 4; ++place) {
    turns.push_back(expand("{@a|b|c}", 7, place));
    all.push_back(expand("{!a|b}{!c|d}", 7, place));
  }
  EXPECT_EQ(turns, (std::vector<std::string>{"a", "b", "c", "a"}));
  EXPECT_EQ(Set(all.begin(), all.end()), Set({"ac", "ad", "bc", "bd"}));
}

TEST(DynamicPrompt, DependsOnTheSeedAlone) {
  const char* text = "{a|b|c|d|e} {2$$f|g|h} __colours__";
  EXPECT_EQ(expand(text, 42), expand(text, 42));
  EXPECT_GT(all_of(text).size(), 50U);
  // As long as this stands, a prompt file and its seeds mean the same prompts.
  EXPECT_EQ(expand("{a|b|c|d|e}{a|b|c|d|e}{a|b|c|d|e}", 42), "abe");
}

TEST(DynamicPrompt, RefusesWhatHasNoEnd) {
  for (const char* text : {"{a|b", "${x=a", "%{a", "a {b|{c}", "%{a}", "${=a}", "${}"}) {
    expect_error(ErrorKind::kUsage, "", [&] { expand(text); });
  }
  for (const char* text : {"__self__", "__twice__"}) {
    expect_error(ErrorKind::kUsage, "nest too deep", [&] { expand(text); });
  }
  expect_error(ErrorKind::kUsage, "nest too deep",
               [] { expand(std::string(100'000, '{') + std::string(100'000, '}')); });
  expect_error(ErrorKind::kUsage, "", [] {
    std::string text = "${a=0123456789}";
    for (char c = 'a'; c < 'h'; ++c) {
      text += "${" + std::string(1, static_cast<char>(c + 1)) + "=";
      for (int i = 0; i < 10; ++i) text += "${" + std::string(1, c) + "}";
      text += "}";
    }
    expand(text + "${h}");
  });
}

}  // namespace
}  // namespace sd::test
