#include "text/prompt_syntax.h"

#include <gtest/gtest.h>

#include <random>

#include "sd/error.h"
#include "support/expect_error.h"
#include "text/prompt_schedule.h"
#include "unit/text/cases.h"

namespace sd {
using namespace text;

namespace {

using Weighted = std::vector<WeightedText>;
using Stages = std::vector<PromptStage>;

TEST(PromptSyntax, LeavesAPlainPromptAsItIs) {
  const ParsedPrompt parsed = parse_prompt("(a:1.2) AND <lora:x:1>", PromptSyntax::kPlain);
  EXPECT_EQ(parsed.parts, (std::vector<PromptPart>{{"(a:1.2) AND <lora:x:1>", 1}}));
  EXPECT_TRUE(parsed.networks.empty());
}

TEST(PromptSyntax, SplitsAtTheWordAnd) {
  EXPECT_EQ(parse_prompt("a cat :1.5 AND  b\n: -.5 ANDREA AND", PromptSyntax::kWebUi).parts,
            (std::vector<PromptPart>{{"a cat", 1.5}, {"  b\n: -.5 ANDREA", 1}, {"", 1}}));
  EXPECT_EQ(split_at_and("a:１.５ AND b :1e2"),
            (std::vector<PromptPart>{{"a", 1.5}, {" b :1e2", 1}}));
}

TEST(PromptSyntax, CutsNetworksOut) {
  const ParsedPrompt parsed = parse_prompt(
      "a <lora:one:0.5> b<lyco:two:1:-0.25:4><hypernet:h:x> <lora:three:te=0.1:dyn=8> < lora:c> "
      "1<2",
      PromptSyntax::kWebUi);
  EXPECT_EQ(parsed.parts.front().text, "a  b  < lora:c> 1<2");
  EXPECT_EQ(parsed.networks, (std::vector<NetworkUse>{{"lora", "one", 0.5, 0.5, {}},
                                                      {"lyco", "two", 1, -0.25, 4},
                                                      {"hypernet", "h", 1, 1, {}},
                                                      {"lora", "three", 0.1, 0.1, 8}}));
}

TEST(PromptSyntax, RefusesNetworksWithOddNumbers) {
  const std::pair<const char*, const char*> cases[] = {
      {"<lora:a:x>", "\"x\" is no number in <lora:a:x>"},
      {"<lora:a:1:1:0>", "\"0\" is no whole number of ranks in"},
      {"<lora:a:1:1:1.5>", "\"1.5\" is no whole number of ranks in"},
      {"<lora:a:1:1:-4>", "\"-4\" is no whole number of ranks in"},
      {"<lora:a:1:dyn=0.5>", "\"0.5\" is no whole number of ranks in"},
      {"<lora:a:1:1:4:5>", "\"5\" is no strength in"}};
  for (const auto& [prompt, said] : cases) {
    test::expect_error(ErrorKind::kUsage, said,
                       [&] { parse_prompt(prompt, PromptSyntax::kWebUi); });
  }
}

TEST(PromptSyntax, WeighsBracketsThatCross) {
  EXPECT_EQ(parse_attention("(a [b) c]"),
            (Weighted{{"a ", 1.1}, {"b", 1.1 * (1 / 1.1)}, {" c", 1 / 1.1}}));
}

TEST(PromptSyntax, RefusesAWeightThatIsNoNumber) {
  test::expect_error(ErrorKind::kUsage, "1.2.3", [] { parse_attention("(a:1.2.3)"); });
  EXPECT_EQ(parse_attention("a:1.2.3)").front().text, "a:1.2.3)");  // nothing is open
}

TEST(PromptSyntax, RefusesTextThatIsNotUtf8) {
  test::expect_error(ErrorKind::kUsage, "UTF-8", [] { parse_attention("a\xFF"); });
  test::expect_error(ErrorKind::kUsage, "UTF-8", [] { schedule_prompt("a\xFF", {}); });
}

TEST(PromptSyntax, RefusesAStepThatIsInfinite) {
  test::expect_error(ErrorKind::kUsage, "1e999", [] { schedule_prompt("[a:b:1e999]", {}); });
}

TEST(PromptSchedule, ChangesAtItsSteps) {
  EXPECT_EQ(schedule_prompt("a [cat:dog:0.5]", {.steps = 10}),
            (Stages{{5, "a cat"}, {10, "a dog"}}));
  EXPECT_EQ(schedule_prompt("[a|b]", {.steps = 3}), (Stages{{1, "a"}, {2, "b"}, {3, "a"}}));
  EXPECT_EQ(schedule_prompt("[a:b:0.5]", {.steps = 10, .first_pass = 20}), (Stages{{10, "b"}}));
}

TEST(PromptSchedule, FindsTheStageOfAnEvaluation) {
  const std::vector<int64_t> stages = {5, 10};  // the ends
  EXPECT_EQ(stage_at(stages, 0), 0u);
  EXPECT_EQ(stage_at(stages, 5), 0u);
  EXPECT_EQ(stage_at(stages, 6), 1u);
  EXPECT_EQ(stage_at(stages, 10), 1u);
  EXPECT_EQ(stage_at(stages, 11), 0u);  // beyond the end: the first again
}

/// Pieces that mean something, and letters, in any order.
std::string random_prompt(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {
      "(",     ")",      "[",   "]",     ":",          "|",     "\\",         "a", " ",
      "\n",    "0.5",    ":3]", ":1.2)", " AND ",      "BREAK", "<lora:x:1>", "<", ">",
      "[a:b:", "\u732b", ".",   "-",     "9999999999", "1e5",   ","};
  std::string text;
  for (auto length = random() % 40; length > 0; --length)
    text += kPieces[random() % kPieces.size()];
  return text;
}

TEST(PromptSyntax, TakesTenThousandRandomPrompts) {
  std::mt19937 random(20260);
  int64_t refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = random_prompt(random);
    try {
      const ParsedPrompt parsed = parse_prompt(text, PromptSyntax::kWebUi);
      ASSERT_FALSE(parsed.parts.empty()) << text;
      for (const PromptPart& part : parsed.parts) {
        const Stages stages = schedule_prompt(part.text, {.steps = 20});
        ASSERT_EQ(stages.back().until, 20) << text;
        for (const PromptStage& stage : stages) ASSERT_FALSE(parse_attention(stage.text).empty());
      }
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kUsage) << text;
      ++refused;
    }
  }
  EXPECT_LT(refused, 1000);
}

TEST(PromptSyntax, IsLinearInTheLength) {
  for (const char* unit : {"(a", "[a", "[a|", "[a:", "([a", ")", "\\", " AND ", "BREAK ", "[a|b]",
                           "[a:b:5]", "(a:1.2)b", "<a:", ": ", "[[a|b]:c:3] "}) {
    const std::string text = test::hundred_kilobytes(unit);
    EXPECT_FALSE(parse_attention(text).empty()) << unit;
    EXPECT_FALSE(schedule_prompt(text, {.steps = 20}).empty()) << unit;
    EXPECT_FALSE(parse_prompt(text, PromptSyntax::kWebUi).parts.empty()) << unit;
  }
}

TEST(PromptSchedule, TakesDeepNesting) {
  const size_t depth = 20'000;
  std::string text(depth, '[');
  for (size_t i = 0; i < depth; ++i) text += ":1]";
  EXPECT_EQ(schedule_prompt(text, {.steps = 20}).size(), 2u);
}

}  // namespace
}  // namespace sd
