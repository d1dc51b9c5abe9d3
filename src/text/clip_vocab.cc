#include "text/clip_vocab.h"

#include <fmt/core.h>

#include <array>
#include <bit>

#include "base/strings.h"
#include "sd/error.h"

namespace sd::text {
namespace {

constexpr size_t kMerges = 48894;

/// Latin-1 bytes that stand for themselves, in the order of their ids; all others follow with
/// characters from U+0100 on.
struct StandIns {
  std::array<char16_t, 256> character_of{};
  std::array<uint8_t, 256> byte_of_id{};
  std::array<uint8_t, 0x180> byte_of{};

  StandIns() {
    size_t id = 0;
    const auto add = [&](size_t byte, size_t character) {
      character_of[byte] = static_cast<char16_t>(character);
      byte_of[character] = static_cast<uint8_t>(byte);
      byte_of_id[id++] = static_cast<uint8_t>(byte);
    };
    const auto is_visible = [](size_t b) {
      return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
    };
    for (size_t b = 0; b < 256; ++b) {
      if (is_visible(b)) add(b, b);
    }
    size_t next = 0x100;
    for (size_t b = 0; b < 256; ++b) {
      if (!is_visible(b)) add(b, next++);
    }
  }
};

const StandIns& stand_ins() {
  static const StandIns instance;
  return instance;
}

/// UTF-8 of a character below U+0800.
void append_character(char16_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

/// A part of a merge as the model spells it: "</w>" at its end is the mark.
std::string model_spelling(std::string_view part) {
  if (!part.ends_with(kClipEndMarkText)) return std::string(part);
  part.remove_suffix(kClipEndMarkText.size());
  return std::string(part) + std::string(kClipEndMark);
}

// --- protobuf's wire format ----------------------------------------------------------------------

void put_varint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7F));
  out += static_cast<char>(value);
}

void put_number(uint32_t field, uint64_t value, std::string& out) {
  put_varint(field << 3, out);
  put_varint(value, out);
}

void put_bytes(uint32_t field, std::string_view bytes, std::string& out) {
  put_varint(field << 3 | 2, out);
  put_varint(bytes.size(), out);
  out += bytes;
}

void put_float(uint32_t field, float value, std::string& out) {
  put_varint(field << 3 | 5, out);
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(bits >> shift & 0xFF);
}

// Field numbers and values of sentencepiece_model.proto.
enum PieceType { kNormal = 1, kUnknown = 2, kControl = 3 };

std::string piece_message(std::string_view piece, float score, PieceType type) {
  std::string out;
  put_bytes(1, piece, out);
  put_float(2, score, out);
  put_number(3, type, out);
  return out;
}

std::string trainer_message() {
  constexpr uint64_t kNone = ~uint64_t{0};  // -1
  std::string out;
  put_number(3, 2, out);  // model_type BPE
  put_number(4, kClipPieces, out);
  put_number(40, kClipPieces - 1, out);  // unk_id
  put_number(41, kClipStart, out);       // bos_id
  put_number(42, kClipEnd, out);         // eos_id
  put_number(43, kNone, out);            // pad_id
  return out;
}

std::string normalizer_message() {
  std::string out;
  put_bytes(1, "identity", out);
  put_number(3, 0, out);  // add_dummy_prefix
  put_number(4, 0, out);  // remove_extra_whitespaces
  put_number(5, 0, out);  // escape_whitespaces
  return out;
}

}  // namespace

std::vector<std::string> clip_pieces(std::string_view merges_text) {
  std::vector<std::string> pieces;
  pieces.reserve(kClipPieces);
  for (const std::string_view mark : {std::string_view(), kClipEndMark}) {
    for (const uint8_t byte : stand_ins().byte_of_id) {
      std::string& piece = pieces.emplace_back();
      append_character(stand_ins().character_of[byte], piece);
      piece += mark;
    }
  }
  for (size_t line_number = 1; pieces.size() < 512 + kMerges; ++line_number) {
    const size_t end = merges_text.find('\n');
    const std::string_view line = merges_text.substr(0, end);
    const size_t space = line.find(' ');
    if (end == std::string_view::npos || (line_number > 1 && space == std::string_view::npos)) {
      throw Error(ErrorKind::kFile, fmt::format("CLIP's merges: line {} should be two parts with a "
                                                "space between, of {} lines at least",
                                                line_number, kMerges + 1));
    }
    if (line_number > 1) {  // the first is a heading
      pieces.push_back(model_spelling(line.substr(0, space)) +
                       model_spelling(line.substr(space + 1)));
    }
    merges_text.remove_prefix(end + 1);
  }
  pieces.insert(pieces.end(), {"<|startoftext|>", "<|endoftext|>", "<unk>"});
  return pieces;
}

std::string clip_sentencepiece_model(const std::vector<std::string>& pieces) {
  std::string model;
  for (size_t id = 0; id < pieces.size(); ++id) {
    float score = 0;
    PieceType type = kNormal;
    if (id >= 256 && id < 512) score = 1;
    if (id >= 512 && id < 512 + kMerges) score = -static_cast<float>(id - 512);
    if (id == kClipStart || id == kClipEnd) type = kControl;
    if (id == kClipPieces - 1) type = kUnknown;
    put_bytes(1, piece_message(pieces[id], score, type), model);
  }
  put_bytes(2, trainer_message(), model);
  put_bytes(3, normalizer_message(), model);
  return model;
}

std::string clip_model_word(std::string_view bytes) {
  std::string word;
  word.reserve(2 * bytes.size() + kClipEndMark.size());
  for (const char byte : bytes) {
    append_character(stand_ins().character_of[static_cast<uint8_t>(byte)], word);
  }
  word += kClipEndMark;
  return word;
}

std::string clip_piece_text(std::string_view piece) {
  std::string bytes;
  bool ends_word = false;
  while (!piece.empty()) {
    const auto lead = static_cast<uint8_t>(piece[0]);
    if (piece.starts_with(kClipEndMark)) {
      ends_word = true;
      piece.remove_prefix(kClipEndMark.size());
    } else if (lead < 0x80) {
      bytes += piece[0];
      piece.remove_prefix(1);
    } else {
      const size_t character = (lead & 0x1Fu) << 6 | (static_cast<uint8_t>(piece[1]) & 0x3Fu);
      bytes += static_cast<char>(stand_ins().byte_of[character]);
      piece.remove_prefix(2);
    }
  }
  return printable(bytes) + std::string(ends_word ? kClipEndMarkText : "");
}

}  // namespace sd::text
