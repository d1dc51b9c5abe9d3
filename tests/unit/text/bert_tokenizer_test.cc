#include <gtest/gtest.h>

#include <fstream>

#include "runtime/data_files.h"
#include "sd/error.h"
#include "text/tokenizer.h"
#include "unit/text/cases.h"

namespace sd {
using namespace runtime;
using namespace text;

namespace {

const Tokenizer& bert() {
  static const auto instance = make_bert_tokenizer(data_file("tokenizer/bert-vocab.txt"));
  return *instance;
}

std::vector<std::string> pieces(std::string_view text) {
  const std::vector<std::string> all = bert().encode(text).pieces;
  return {all.begin() + 1, all.end() - 1};
}

using Pieces = std::vector<std::string>;

TEST(BertTokenizer, GivesTheReferencesIds) {
  SD_NEEDS_REFERENCE();
  for (const auto& row : test::json_lines(test::reference_dir() / "bert_tokens.jsonl")) {
    const std::string prompt = row.at("prompt");
    EXPECT_EQ(bert().encode(prompt).ids, row.at("ids").get<std::vector<int32_t>>()) << prompt;
  }
  for (const auto& item : test::token_items()) {
    const std::string text = item.at("text");
    // Recorded with a tokenizer that had not been told its special tokens; bert_tokens.jsonl holds
    // the same text with their ids.
    if (text.starts_with("[CLS]")) continue;
    EXPECT_EQ(bert().encode(text).ids, item.at("bert").get<std::vector<int32_t>>()) << text;
  }
}

TEST(BertTokenizer, GivesTheIdsOfEveryCase) {
  for (const auto& row : test::text_cases()) {
    const std::string text = row.at("text");
    EXPECT_EQ(test::used_ids(bert().encode(text)), row.at("bert").get<std::vector<int32_t>>())
        << text;
  }
}

TEST(BertTokenizer, FramesAndPads) {
  const Tokens tokens = bert().encode("a");
  ASSERT_EQ(tokens.ids.size(), 77u);
  EXPECT_EQ(test::used_ids(tokens), (std::vector<int32_t>{101, 1037, 102}));
  EXPECT_EQ(tokens.ids.back(), 0);
  EXPECT_EQ(tokens.pieces, (Pieces{"[CLS]", "a", "[SEP]"}));
}

TEST(BertTokenizer, SplitsWordsIntoTheLongestPieces) {
  EXPECT_EQ(pieces("unaffable embeddings"),
            (Pieces{"una", "##ffa", "##ble", "em", "##bed", "##ding", "##s"}));
  EXPECT_EQ(pieces("Hello, wORLD!"), (Pieces{"hello", ",", "world", "!"}));
  EXPECT_EQ(pieces("Crème BRÛLÉE İ"), pieces("creme brulee i"));
  EXPECT_EQ(pieces("a中b"), (Pieces{"a", "中", "b"}));
}

TEST(BertTokenizer, GivesUpOnWordsItCannotSpell) {
  EXPECT_EQ(pieces("cat ㍿\u4e02 cat"), (Pieces{"cat", "[UNK]", "[UNK]", "cat"}));
  EXPECT_NE(pieces(std::string(100, 'x')), Pieces{"[UNK]"});
  EXPECT_EQ(pieces(std::string(101, 'x')), Pieces{"[UNK]"});
}

TEST(BertTokenizer, KnowsSpecialTokensInTheText) {
  EXPECT_EQ(pieces("a[SEP]b [MASK]"), (Pieces{"a", "[SEP]", "b", "[MASK]"}));
  EXPECT_EQ(pieces("[sep]"), (Pieces{"[", "sep", "]"}));
}

TEST(BertTokenizer, TellsTheWordsThatWereLost) {
  std::string text;
  for (int i = 0; i < 75; ++i) text += "cat ";
  EXPECT_EQ(bert().encode(text).lost, "");
  const Tokens tokens = bert().encode(text + "DOG 中文 Émile!");
  EXPECT_EQ(tokens.lost, "dog 中 文 emile!");
  EXPECT_EQ(tokens.used, 77);
  EXPECT_EQ(tokens.lost_tokens, 5);
}

TEST(BertTokenizer, FinishesLongTexts) {
  for (const char* unit :
       {"a", "a cat, ", "Привет", "中", "[", "[SEP]", "!", "\u0301\u0323", " "}) {
    EXPECT_EQ(bert().encode(test::hundred_kilobytes(unit)).ids.size(), 77u) << unit;
  }
}

TEST(BertTokenizer, RefusesAnotherVocabulary) {
  const auto path = std::filesystem::path(testing::TempDir()) / "not-bert.txt";
  std::ofstream(path) << "[PAD]\na\nb\n";
  for (const auto& wrong : {path, std::filesystem::path("/nowhere/vocab.txt")}) {
    try {
      make_bert_tokenizer(wrong);
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
    }
  }
}

}  // namespace
}  // namespace sd
