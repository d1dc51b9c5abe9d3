#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sd::text {

/// Every text encoder of this program reads so many ids.
inline constexpr int64_t kMaxTokens = 77;

/// A prompt as its text encoder reads it.
struct Tokens {
  /// Always kMaxTokens of them: begin, content, end, padding.
  std::vector<int32_t> ids;
  /// The first `used` ids as the published vocabulary spells them, but readable: "<|startoftext|>",
  /// "photo</w>", "gra", "ffiti</w>" (CLIP), "[CLS]", "gr", "##aff" (BERT). Bytes that are only a
  /// part of a character are shown as "\xNN".
  std::vector<std::string> pieces;
  /// How many ids stand before the padding, begin and end included.
  int64_t used = 0;
  /// The words that fell off the end, as the tokenizer cleaned them, one space between; the first
  /// is whole even if only its tail was cut. Empty if everything fitted.
  std::string lost;
  /// How many ids fell off the end.
  int64_t lost_tokens = 0;
};

/// The ids that stand around a text, and that of a comma.
struct TokenFrame {
  int32_t begin, end, padding, comma;
};

/// Turns a prompt into ids. Immutable: one instance serves any number of threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The ids of `utf8`, of any length; NUL is a character like any other control character.
  /// Throws Error(kUsage) if the text is not well-formed UTF-8 (see check_prompt).
  virtual Tokens encode(std::string_view utf8) const = 0;

  /// All ids of `utf8`, without begin, end and padding. Throws as `encode`.
  virtual std::vector<int32_t> content(std::string_view utf8) const = 0;

  virtual TokenFrame frame() const = 0;

  /// An id as `Tokens::pieces` spells it.
  virtual std::string piece(int32_t id) const = 0;
};

/// Throws Error(kUsage) that names the byte at which `utf8` stops being well-formed UTF-8.
void check_prompt(std::string_view utf8);

/// The tokenizer of Stable Diffusion v1: transformers' slow CLIPTokenizer with ftfy, id for id.
/// `model_file` is the SentencePiece model that the build writes,
/// data_file("tokenizer/clip.model"). Throws Error(kFile) if it cannot be read or is another model.
std::unique_ptr<Tokenizer> make_clip_tokenizer(const std::filesystem::path& model_file);

/// The tokenizer of the LAION-400M model: bert-base-uncased's WordPiece. `vocab_file` is its
/// vocab.txt, data_file("tokenizer/bert-vocab.txt"). Throws Error(kFile) if it cannot be read or is
/// not that vocabulary.
std::unique_ptr<Tokenizer> make_bert_tokenizer(const std::filesystem::path& vocab_file);

}  // namespace sd::text
