#include <sentencepiece_processor.h>

#include <algorithm>

#include "sd/error.h"
#include "text/clip_vocab.h"
#include "text/ftfy/text_fixer.h"
#include "text/token_builder.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

constexpr SpecialToken kClipSpecials[] = {{"<|startoftext|>", kClipStart},
                                          {"<|endoftext|>", kClipEnd}};

/// Runs of white space become one space, none at either end.
std::u32string collapse_white_space(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    if (!is_white_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != U' ') {
      out += U' ';
    }
  }
  if (out.ends_with(U' ')) out.pop_back();
  return out;
}

/// Whether `text` begins with `word`, case ignored. The text is in lower case already; what is
/// left of case is the long s.
bool begins_with(std::u32string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    const auto c = static_cast<char32_t>(word[i]);
    if (text[i] != c && !(c == U's' && text[i] == U'ſ')) return false;
  }
  return true;
}

/// What the last branch of the pattern takes: no letter, no number, no white space. U+0345 is a
/// mark, but its other case is a letter, and the pattern ignores case: no branch takes it.
bool is_other(char32_t c) {
  return !is_letter(c) && !is_number(c) && !is_white_space(c) && c != 0x345;
}

template <typename Predicate>
size_t run_length(std::u32string_view text, Predicate takes) {
  size_t length = 0;
  while (length < text.size() && takes(text[length])) ++length;
  return length;
}

/// The length of the word that `text` begins with, 0 if no branch takes its first character:
/// <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
size_t word_length(std::u32string_view text) {
  static constexpr std::string_view kEndings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  if (text[0] == U'<') {
    for (const SpecialToken& special : kClipSpecials) {
      if (begins_with(text, special.text)) return special.text.size();
    }
  }
  if (text[0] == U'\'') {
    for (const std::string_view ending : kEndings) {
      if (begins_with(text, ending)) return ending.size();
    }
  }
  if (is_letter(text[0])) return run_length(text, is_letter);
  if (is_number(text[0])) return 1;
  return run_length(text, is_other);
}

class ClipTokenizer : public Tokenizer {
 public:
  explicit ClipTokenizer(const std::string& model) {
    if (!processor_.LoadFromSerializedProto(model).ok()) return;
    is_clip_ = processor_.GetPieceSize() == kClipPieces &&
               processor_.PieceToId("<|endoftext|>") == kClipEnd &&
               processor_.PieceToId("a" + std::string(kClipEndMark)) == 320;
  }

  bool is_clip() const { return is_clip_; }

  Tokens encode(std::string_view utf8) const override {
    return build(utf8).finish(frame(), [this](int32_t id) { return piece(id); });
  }

  std::vector<int32_t> content(std::string_view utf8) const override { return build(utf8).ids(); }

  TokenFrame frame() const override { return {kClipStart, kClipEnd, kClipEnd, kClipComma}; }

  std::string piece(int32_t id) const override { return clip_piece_text(processor_.IdToPiece(id)); }

 private:
  TokenBuilder build(std::string_view utf8) const {
    check_prompt(utf8);
    TokenBuilder out;
    split_at_special_tokens(
        utf8, kClipSpecials, [&](std::string_view part) { encode_part(part, out); },
        [&](const SpecialToken& token) { out.add_special(token); });
    return out;
  }

  void encode_part(std::string_view utf8, TokenBuilder& out) const {
    const std::u32string text = to_lower(collapse_white_space(fix_text(from_utf8(utf8))));
    if (text.empty()) return;
    out.begin_text(text);
    for (size_t i = 0; i < text.size();) {
      const size_t length = word_length(std::u32string_view(text).substr(i));
      if (length > 0) out.add_word(i, word_ids(std::u32string_view(text).substr(i, length)));
      i += std::max<size_t>(length, 1);
    }
  }

  std::vector<int32_t> word_ids(std::u32string_view word) const {
    const std::string bytes = to_utf8(word);
    for (const SpecialToken& special : kClipSpecials) {
      if (bytes == special.text) return {special.id};
    }
    std::vector<int32_t> ids;
    const auto status = processor_.Encode(clip_model_word(bytes), &ids);
    if (!status.ok()) {
      throw Error(ErrorKind::kInternal, "SentencePiece: " + status.ToString());
    }
    return ids;
  }

  sentencepiece::SentencePieceProcessor processor_;
  bool is_clip_ = false;
};

}  // namespace

std::unique_ptr<Tokenizer> make_clip_tokenizer(const std::filesystem::path& model_file) {
  auto tokenizer = std::make_unique<ClipTokenizer>(read_tokenizer_file(model_file));
  if (!tokenizer->is_clip()) {
    throw Error(ErrorKind::kFile, model_file.string() + " is not CLIP's tokenizer model",
                "run scripts/setup again, which makes it");
  }
  return tokenizer;
}

}  // namespace sd::text
