#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// CLIP's byte-pair vocabulary as a SentencePiece BPE model, piece index = id:
//
//   0 – 255        one byte each, written as its stand-in character       score 0
//   256 – 511      the same with the end-of-word mark behind              score +1
//   512 – 49405    the merges, in the order of their rank                 score -rank
//   49406, 49407   <|startoftext|>, <|endoftext|>                         control
//   49408          <unk>, which SentencePiece demands and never gives: every byte has a piece
//
// SentencePiece merges the pair of the highest score first, CLIP the pair of the lowest rank; the
// score of the end mark joins it to the last byte before anything else. That both give the same
// pieces rests on three properties of this vocabulary, which a test checks: the pieces are
// distinct, the parts of every merge are earlier pieces, and every piece is encoded as itself.
namespace sd::text {

inline constexpr int32_t kClipStart = 49406;
inline constexpr int32_t kClipEnd = 49407;
inline constexpr int32_t kClipComma = 267;  // ",</w>"
inline constexpr int32_t kClipPieces = 49409;

/// The end-of-word mark in the model's pieces, and in the published vocabulary.
inline constexpr std::string_view kClipEndMark = "\u2581";
inline constexpr std::string_view kClipEndMarkText = "</w>";

/// The kClipPieces pieces, from the text of bpe_simple_vocab_16e6.txt. Throws Error(kFile) if it
/// has too few lines, or one that is not two parts.
std::vector<std::string> clip_pieces(std::string_view merges_text);

/// The serialised model (sentencepiece's ModelProto).
std::string clip_sentencepiece_model(const std::vector<std::string>& pieces);

/// `bytes` with the stand-in of each, and the end-of-word mark: what the model encodes.
std::string clip_model_word(std::string_view bytes);

/// A piece for people: its bytes, "\xNN" where they are not whole characters, "</w>" for the mark.
std::string clip_piece_text(std::string_view piece);

}  // namespace sd::text
