#include "text/clip_vocab.h"

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>

#include <unordered_set>

#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd {
using namespace runtime;
using namespace text;

namespace {

// The properties on which the SentencePiece model's exactness rests, of the model that was built.
class ClipVocab : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(model_.Load(data_file("tokenizer/clip.model").string()).ok());
    ASSERT_EQ(model_.GetPieceSize(), kClipPieces);
  }

  sentencepiece::SentencePieceProcessor model_;
};

TEST_F(ClipVocab, PiecesAreDistinct) {
  std::unordered_set<std::string> seen;
  for (int id = 0; id < kClipPieces; ++id) {
    EXPECT_TRUE(seen.insert(model_.IdToPiece(id)).second) << model_.IdToPiece(id);
  }
}

TEST_F(ClipVocab, EveryMergeJoinsTwoEarlierPieces) {
  for (int id = 512; id < kClipStart; ++id) {
    const std::string& piece = model_.IdToPiece(id);
    bool found = false;
    for (size_t cut = 1; cut < piece.size() && !found; ++cut) {
      const int left = model_.PieceToId(piece.substr(0, cut));
      const int right = model_.PieceToId(piece.substr(cut));
      found = left < id && right < id && !model_.IsUnknown(left) && !model_.IsUnknown(right);
    }
    EXPECT_TRUE(found) << piece;
  }
}

TEST_F(ClipVocab, EveryPieceIsEncodedAsItself) {
  for (int id = 0; id < kClipStart; ++id) {
    std::vector<int> ids;
    ASSERT_TRUE(model_.Encode(model_.IdToPiece(id), &ids).ok());
    EXPECT_EQ(ids, std::vector<int>{id}) << model_.IdToPiece(id);
  }
}

TEST_F(ClipVocab, HasAPieceForEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    std::vector<int> ids;
    const std::string word = clip_model_word(std::string(1, static_cast<char>(byte)));
    ASSERT_TRUE(model_.Encode(word, &ids).ok());
    ASSERT_EQ(ids.size(), 1u);
    EXPECT_TRUE(ids[0] >= 256 && ids[0] < 512) << byte;
  }
}

TEST_F(ClipVocab, SpellsPiecesForPeople) {
  EXPECT_EQ(clip_piece_text(model_.IdToPiece(320)), "a</w>");
  EXPECT_EQ(clip_piece_text(model_.IdToPiece(1125)), "photo</w>");
  EXPECT_EQ(clip_piece_text(clip_model_word("é")), "é</w>");
  EXPECT_EQ(clip_piece_text(clip_model_word("\xC3")), "\\xC3</w>");
  EXPECT_EQ(clip_piece_text("<|endoftext|>"), "<|endoftext|>");
}

TEST(ClipPieces, RefusesAnotherFile) {
  for (const char* text : {"", "#version\n", "#version\ni n\nnotapair\n", "no line feed"}) {
    EXPECT_THROW(clip_pieces(text), Error) << text;
  }
}

}  // namespace
}  // namespace sd
