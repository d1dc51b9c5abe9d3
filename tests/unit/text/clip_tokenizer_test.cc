#include <gtest/gtest.h>

#include <fstream>

#include "sd/error.h"
#include "text/clip_vocab.h"
#include "text/tokenizer.h"
#include "unit/text/cases.h"

namespace sd {
using namespace text;

namespace {

std::vector<int32_t> content(std::string_view text) {
  const std::vector<int32_t> ids = test::used_ids(test::clip().encode(text));
  return {ids.begin() + 1, ids.end() - 1};
}

TEST(ClipTokenizer, GivesTheReferencesIds) {
  SD_NEEDS_REFERENCE();
  for (const auto& row : test::json_lines(test::reference_dir() / "clip_tokens.jsonl")) {
    const std::string prompt = row.at("prompt");
    EXPECT_EQ(test::clip().encode(prompt).ids, row.at("ids").get<std::vector<int32_t>>()) << prompt;
  }
  for (const auto& item : test::token_items()) {
    const std::string text = item.at("text");
    EXPECT_EQ(test::clip().encode(text).ids, item.at("clip").get<std::vector<int32_t>>()) << text;
  }
}

TEST(ClipTokenizer, GivesTheIdsOfEveryCase) {
  for (const auto& row : test::text_cases()) {
    const std::string text = row.at("text");
    EXPECT_EQ(test::used_ids(test::clip().encode(text)), row.at("clip").get<std::vector<int32_t>>())
        << text;
  }
}

TEST(ClipTokenizer, FramesAndPads) {
  const Tokens tokens = test::clip().encode("a photo of a cat");
  ASSERT_EQ(tokens.ids.size(), 77u);
  EXPECT_EQ(test::used_ids(tokens),
            (std::vector<int32_t>{kClipStart, 320, 1125, 539, 320, 2368, kClipEnd}));
  EXPECT_EQ(tokens.ids.back(), kClipEnd);
  EXPECT_EQ(tokens.pieces,
            (std::vector<std::string>{"<|startoftext|>", "a</w>", "photo</w>", "of</w>", "a</w>",
                                      "cat</w>", "<|endoftext|>"}));
  EXPECT_EQ(tokens.lost, "");
  EXPECT_EQ(tokens.lost_tokens, 0);
}

TEST(ClipTokenizer, KnowsSpecialTokensInTheText) {
  EXPECT_EQ(content("a<|endoftext|>a"), (std::vector<int32_t>{320, kClipEnd, 320}));
  EXPECT_EQ(content("<|StartOfText|>"), (std::vector<int32_t>{kClipStart}));
  EXPECT_NE(content("<|endoftext|"), (std::vector<int32_t>{kClipEnd}));
}

TEST(ClipTokenizer, KeepsEverythingUpToTheLastPlace) {
  std::string text;
  for (int i = 0; i < 75; ++i) text += "cat ";
  const Tokens tokens = test::clip().encode(text);
  EXPECT_EQ(tokens.used, 77);
  EXPECT_EQ(tokens.lost, "");
  EXPECT_EQ(tokens.ids[75], 2368);
  EXPECT_EQ(tokens.ids[76], kClipEnd);
}

TEST(ClipTokenizer, TellsTheWordsThatWereLost) {
  std::string text;
  for (int i = 0; i < 74; ++i) text += "cat ";
  const Tokens tokens = test::clip().encode(text + "Supercalifragilistic,  DOG");
  EXPECT_EQ(tokens.used, 77);
  EXPECT_EQ(tokens.lost, "supercalifragilistic, dog");  // its first piece still fitted
  EXPECT_GT(tokens.lost_tokens, 2);
  EXPECT_EQ(test::clip().encode(text + "cat<|endoftext|>").lost, "<|endoftext|>");
  EXPECT_EQ(test::clip().encode(text + "cat &eacute;").lost, "é");
}

TEST(ClipTokenizer, ReadsPastNul) {
  EXPECT_EQ(content(std::string_view("a\0 cat", 6)), content("a cat"));
  EXPECT_EQ(content(std::string_view("\0", 1)), std::vector<int32_t>{});
}

TEST(ClipTokenizer, RefusesWhatIsNotUtf8) {
  try {
    test::clip().encode("caf\xE9");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(ClipTokenizer, FinishesLongTexts) {
  for (const char* unit : {"a", "xyzzy", "a cat, ", "Привет ", "中文", "👩\u200d", "'", "!?", "<|",
                           "<|endoftext|>", "Σ.", "İ", "\u0345", "&amp;", "Ã©", " ", "\n"}) {
    const Tokens tokens = test::clip().encode(test::hundred_kilobytes(unit));
    EXPECT_EQ(tokens.ids.size(), 77u) << unit;
    EXPECT_EQ(tokens.lost.empty(), tokens.lost_tokens == 0) << unit;
  }
}

TEST(ClipTokenizer, NamesAFileThatIsNotItsModel) {
  const auto path = std::filesystem::path(testing::TempDir()) / "not-clip.model";
  std::ofstream(path) << "something else";
  for (const auto& wrong : {path, std::filesystem::path("/nowhere/clip.model")}) {
    try {
      make_clip_tokenizer(wrong);
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
      EXPECT_NE(std::string(error.what()).find(wrong.string()), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sd
