#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sd/prompt_settings.h"
#include "text/prompt_syntax.h"
#include "text/tokenizer.h"

namespace sd::text {

/// An embedding (textual inversion) as the text knows it: a name that stands for vectors.
struct EmbeddingName {
  std::string name;
  int64_t vectors = 1;
};

/// Finds the names of embeddings among the ids of a text. A name is found as ids, so that case does
/// not matter, and it may stand inside of a longer word's.
class EmbeddingNames {
 public:
  EmbeddingNames() = default;
  /// A name of which the tokenizer leaves nothing is never found; of two with the same ids, the
  /// first is.
  EmbeddingNames(const Tokenizer& tokenizer, const std::vector<EmbeddingName>& names);

  struct Match {
    size_t index = 0;   ///< in the list of names
    size_t length = 0;  ///< ids that the name takes; 0: there is none
  };
  /// The longest name at ids[position].
  Match find(const std::vector<int32_t>& ids, size_t position) const;

  const EmbeddingName& operator[](size_t index) const { return names_[index]; }

 private:
  struct Entry {
    std::vector<int32_t> ids;
    size_t index;
  };
  std::vector<EmbeddingName> names_;
  std::map<int32_t, std::vector<Entry>> by_first_id_;  // longest first
};

/// The vectors of an embedding in a chunk: vector i replaces the token embedding of
/// ids[offset + 1 + i]. As in the web UI they may reach beyond the chunk, where they are cut.
struct Injected {
  int64_t offset = 0;
  size_t embedding = 0;  ///< its index among the names

  bool operator==(const Injected&) const = default;
};

/// What the text encoder reads at a time: kMaxTokens ids, begin and end included.
struct Chunk {
  std::vector<int32_t> ids;
  std::vector<double> weights;  ///< of the encoder's outputs
  std::vector<Injected> embeddings;

  bool operator==(const Chunk&) const = default;
};

struct ChunkedText {
  std::vector<Chunk> chunks;  ///< at least one
  /// The ids before the padding of the last chunk; of the chunks before, all 75 count.
  int64_t tokens = 0;
};

/// What a text is cut into chunks with.
struct ChunkArgs {
  const Tokenizer& tokenizer;
  const EmbeddingNames& embeddings;
  /// A chunk that is full ends behind its last comma, if that is at most so many ids back.
  int64_t comma_backtrack = 20;
};

/// The stretches one after the other in chunks of 75 ids; kBreak ends a chunk. Throws Error(kUsage)
/// if a text is not UTF-8.
ChunkedText chunk_text(const std::vector<WeightedText>& stretches, const ChunkArgs& args);

/// A text at one step in chunks, as the settings say. Plain syntax knows no embeddings, and without
/// long prompts it has one chunk, cut.
ChunkedText chunk_prompt(std::string_view utf8, const PromptSettings& settings,
                         const Tokenizer& tokenizer, const EmbeddingNames& embeddings);

/// As the web UI's first version weighed: the ids that hold brackets are left out and multiply
/// those behind them. One chunk; what is beyond is cut, and counted all the same.
ChunkedText chunk_text_old(std::string_view utf8, const ChunkArgs& args);

/// A chunk without content: what shorter texts of a batch are filled with.
Chunk empty_chunk(const Tokenizer& tokenizer);

}  // namespace sd::text
