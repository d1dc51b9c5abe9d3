#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace sd::text {

/// A word that a prompt may hold in so many letters and that has an id of its own.
struct SpecialToken {
  std::string_view text;  // ASCII
  int32_t id;
};

/// What both tokenizers do with the ids of words: cut, frame, pad, and tell what was lost.
class TokenBuilder {
 public:
  /// Begins a stretch of cleaned text; the words that follow are placed in it.
  void begin_text(std::u32string_view text);

  /// A special token, as a stretch of its own.
  void add_special(const SpecialToken& token);

  /// A word that starts at character `offset` of the current stretch.
  void add_word(size_t offset, const std::vector<int32_t>& ids);

  /// The ids that fit between begin and end, padded to kMaxTokens. `piece_text` spells an id.
  Tokens finish(const TokenFrame& frame,
                const std::function<std::string(int32_t)>& piece_text) const;

  /// The ids so far.
  std::vector<int32_t> ids() && { return std::move(ids_); }

 private:
  /// The white-space separated words of text_ from the one on that id number `first` is part of.
  std::string words_from(size_t first) const;

  std::u32string text_;  // all stretches, a space between
  size_t stretch_ = 0;   // where the current one starts
  std::vector<int32_t> ids_;
  std::vector<std::pair<size_t, size_t>> words_;  // first id, first character
};

/// Calls `on_text` with each stretch of text between special tokens (never an empty one) and
/// `on_token` with each of the tokens, in order. All tokens begin with the same character.
void split_at_special_tokens(std::string_view utf8, std::span<const SpecialToken> tokens,
                             const std::function<void(std::string_view)>& on_text,
                             const std::function<void(const SpecialToken&)>& on_token);

/// The bytes of a tokenizer's data file. Throws Error(kFile).
std::string read_tokenizer_file(const std::filesystem::path& path);

}  // namespace sd::text
