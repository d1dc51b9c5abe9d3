#include "text/chunks.h"

#include <gtest/gtest.h>

#include "text/clip_vocab.h"
#include "unit/text/cases.h"

namespace sd {
using namespace text;

namespace {

/// "w w w …"
std::string words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "w ";
  return text;
}

class Chunks : public testing::Test {
 protected:
  ChunkedText chunks(const std::string& text, int64_t comma_backtrack = 20) const {
    return chunk_text(
        {{text, 1.0}},
        {.tokenizer = test::clip(), .embeddings = names_, .comma_backtrack = comma_backtrack});
  }

  const EmbeddingNames names_{test::clip(),
                              {{"badhands", 8}, {"tiny-style", 3}, {"tiny-style-2", 2}}};
};

TEST_F(Chunks, FrameAndPadAsThePlainPrompt) {
  const ChunkedText text = chunks("a photo of a cat");
  ASSERT_EQ(text.chunks.size(), 1u);
  EXPECT_EQ(text.chunks[0].ids, test::clip().encode("a photo of a cat").ids);
  EXPECT_EQ(text.chunks[0].weights, std::vector<double>(77, 1.0));
  EXPECT_EQ(text.tokens, 5);
  EXPECT_EQ(empty_chunk(test::clip()).ids, test::clip().encode("").ids);
}

TEST_F(Chunks, EndBehindANearComma) {
  const std::string text = words(60) + ", " + words(20);
  EXPECT_EQ(chunks(text).tokens, 75 + 20);
  EXPECT_EQ(chunks(text, 14).tokens, 75 + 6);
  EXPECT_EQ(chunks(text, 0).tokens, 75 + 6);
}

TEST_F(Chunks, HoldEmbeddings) {
  const ChunkedText text = chunks("a TINY-style-2 xbadhands");
  EXPECT_EQ(text.chunks[0].embeddings, (std::vector<Injected>{{1, 2}, {4, 0}}));
  EXPECT_EQ(text.chunks[0].ids[2], 0);
  EXPECT_EQ(text.chunks[0].ids[3], 0);
  EXPECT_EQ(test::clip().piece(text.chunks[0].ids[4]), "x");  // a name may stand in a longer word
}

TEST_F(Chunks, StartAnotherForAnEmbeddingThatDoesNotFit) {
  const ChunkedText text = chunks(words(70) + "badhands");
  ASSERT_EQ(text.chunks.size(), 2u);
  EXPECT_EQ(text.chunks[1].embeddings, (std::vector<Injected>{{0, 0}}));
  EXPECT_EQ(text.tokens, 75 + 8);
}

TEST_F(Chunks, LeaveTheVectorsOfAnEmbeddingThatMovesBehindTheComma) {
  const ChunkedText text = chunks(words(60) + ", badhands " + words(20));
  ASSERT_EQ(text.chunks.size(), 2u);
  EXPECT_EQ(text.chunks[0].embeddings, (std::vector<Injected>{{61, 0}}));
  EXPECT_TRUE(text.chunks[1].embeddings.empty());
  EXPECT_EQ(text.chunks[1].ids[1], 0);
}

TEST_F(Chunks, AreOneInTheOldWay) {
  const ChunkedText text = chunk_text_old("a (red) [bicycle] " + words(80),
                                          {.tokenizer = test::clip(), .embeddings = names_});
  ASSERT_EQ(text.chunks.size(), 1u);
  EXPECT_EQ(std::vector<int32_t>(text.chunks[0].ids.begin(), text.chunks[0].ids.begin() + 4),
            (std::vector<int32_t>{kClipStart, 320, 736, 11652}));
  EXPECT_EQ(text.chunks[0].ids.back(), kClipEnd);
  EXPECT_EQ(text.chunks[0].ids.size(), 77u);
  EXPECT_DOUBLE_EQ(text.chunks[0].weights[2], 1.1);
  EXPECT_DOUBLE_EQ(text.chunks[0].weights[3], 1 / 1.1);
  EXPECT_EQ(text.tokens, 83);
}

}  // namespace
}  // namespace sd
