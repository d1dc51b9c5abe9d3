#include "text/chunks.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sd::text {
namespace {

constexpr size_t kContent = kMaxTokens - 2;

/// A chunk of the first 75 ids of the content, padded, with the weight 1 around them.
Chunk frame_chunk(const TokenFrame& frame, const Chunk& content) {
  const size_t kept = std::min(content.ids.size(), kContent);
  Chunk chunk{.ids = std::vector<int32_t>(kMaxTokens, frame.padding),
              .weights = std::vector<double>(kMaxTokens, 1.0),
              .embeddings = content.embeddings};
  chunk.ids.front() = frame.begin;
  std::copy_n(content.ids.begin(), kept, chunk.ids.begin() + 1);
  chunk.ids[kept + 1] = frame.end;
  std::copy_n(content.weights.begin(), kept, chunk.weights.begin() + 1);
  return chunk;
}

/// The web UI's rules for chunks (tokenize_line of modules/sd_hijack_clip.py).
class Chunker {
 public:
  explicit Chunker(const ChunkArgs& args) : args_(args), frame_(args.tokenizer.frame()) {}

  void add(const WeightedText& stretch) {
    if (stretch == kBreak) return end_chunk();
    const std::vector<int32_t> ids = args_.tokenizer.content(stretch.text);
    for (size_t i = 0; i < ids.size();) {
      make_room(ids[i]);
      const EmbeddingNames::Match match = args_.embeddings.find(ids, i);
      if (match.length > 0) {
        inject(match.index, stretch.weight);
        i += match.length;
      } else {
        push(ids[i++], stretch.weight);
      }
    }
  }

  ChunkedText finish() && {
    result_.tokens += static_cast<int64_t>(chunk_.ids.size());
    if (!chunk_.ids.empty() || result_.chunks.empty()) close();
    return std::move(result_);
  }

 private:
  void push(int32_t id, double weight) {
    chunk_.ids.push_back(id);
    chunk_.weights.push_back(weight);
  }

  /// Ends a full chunk, at its last comma if that is near.
  void make_room(int32_t next) {
    const size_t size = chunk_.ids.size();
    if (next == frame_.comma) {
      comma_ = size;
    } else if (size == kContent && comma_ && args_.comma_backtrack != 0 &&
               static_cast<int64_t>(size - *comma_) <= args_.comma_backtrack) {
      end_at_comma();
    }
    if (chunk_.ids.size() == kContent) end_chunk();
  }

  /// What stands behind the comma moves to the next chunk; embeddings' vectors stay, as there.
  void end_at_comma() {
    const auto behind = static_cast<std::ptrdiff_t>(*comma_ + 1);
    Chunk moved{{chunk_.ids.begin() + behind, chunk_.ids.end()},
                {chunk_.weights.begin() + behind, chunk_.weights.end()},
                {}};
    chunk_.ids.resize(*comma_ + 1);
    chunk_.weights.resize(*comma_ + 1);
    end_chunk();
    chunk_ = std::move(moved);
  }

  void inject(size_t index, double weight) {
    const auto vectors = static_cast<size_t>(args_.embeddings[index].vectors);
    if (chunk_.ids.size() + vectors > kContent) end_chunk();
    chunk_.embeddings.push_back({static_cast<int64_t>(chunk_.ids.size()), index});
    for (size_t i = 0; i < vectors; ++i) push(0, weight);
  }

  void end_chunk() {
    result_.tokens += static_cast<int64_t>(kContent);
    close();
  }

  void close() {
    result_.chunks.push_back(frame_chunk(frame_, std::exchange(chunk_, {})));
    comma_.reset();
  }

  const ChunkArgs& args_;
  TokenFrame frame_;
  ChunkedText result_;
  Chunk chunk_;                  // without its frame yet
  std::optional<size_t> comma_;  // the last one's place in chunk_
};

/// What an id multiplies those behind it by, by the brackets in it.
double old_multiplier(const std::string& piece) {
  double weight = 1;
  for (const char c : piece) {
    if (c == '(' || c == ']') weight *= 1.1;
    if (c == ')' || c == '[') weight /= 1.1;
  }
  return weight;
}

}  // namespace

EmbeddingNames::EmbeddingNames(const Tokenizer& tokenizer, const std::vector<EmbeddingName>& names)
    : names_(names) {
  for (size_t i = 0; i < names.size(); ++i) {
    std::vector<int32_t> ids = tokenizer.content(names[i].name);
    if (ids.empty()) continue;
    const int32_t first = ids.front();
    by_first_id_[first].push_back({std::move(ids), i});
  }
  for (auto& [id, entries] : by_first_id_) {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Entry& a, const Entry& b) { return a.ids.size() > b.ids.size(); });
  }
}

EmbeddingNames::Match EmbeddingNames::find(const std::vector<int32_t>& ids, size_t position) const {
  const auto entries = by_first_id_.find(ids[position]);
  if (entries == by_first_id_.end()) return {};
  for (const Entry& entry : entries->second) {
    if (ids.size() - position >= entry.ids.size() &&
        std::equal(entry.ids.begin(), entry.ids.end(),
                   ids.begin() + static_cast<std::ptrdiff_t>(position))) {
      return {entry.index, entry.ids.size()};
    }
  }
  return {};
}

ChunkedText chunk_text(const std::vector<WeightedText>& stretches, const ChunkArgs& args) {
  Chunker chunker(args);
  for (const WeightedText& stretch : stretches) chunker.add(stretch);
  return std::move(chunker).finish();
}

ChunkedText chunk_prompt(std::string_view utf8, const PromptSettings& settings,
                         const Tokenizer& tokenizer, const EmbeddingNames& embeddings) {
  const ChunkArgs args{tokenizer, embeddings, settings.comma_backtrack};
  const bool webui = settings.syntax == PromptSyntax::kWebUi;
  if (!webui && !settings.long_prompts) {
    const Tokens tokens = tokenizer.encode(utf8);
    return {{{tokens.ids, std::vector<double>(tokens.ids.size(), 1.0), {}}}, tokens.used - 2};
  }
  if (webui && settings.emphasis == Emphasis::kOld) return chunk_text_old(utf8, args);
  const std::vector<WeightedText> whole = {{std::string(utf8), 1.0}};
  if (!webui) return chunk_text(whole, {tokenizer, EmbeddingNames(), settings.comma_backtrack});
  return chunk_text(settings.emphasis == Emphasis::kNone ? whole : parse_attention(utf8), args);
}

ChunkedText chunk_text_old(std::string_view utf8, const ChunkArgs& args) {
  const std::vector<int32_t> ids = args.tokenizer.content(utf8);
  Chunk content;
  double weight = 1;
  const auto push = [&](int32_t id) {
    content.ids.push_back(id);
    content.weights.push_back(weight);
  };
  for (size_t i = 0; i < ids.size();) {
    const EmbeddingNames::Match match = args.embeddings.find(ids, i);
    const double change = old_multiplier(args.tokenizer.piece(ids[i]));
    if (change != 1) {
      weight *= change;
    } else if (match.length > 0) {
      content.embeddings.push_back({static_cast<int64_t>(content.ids.size()), match.index});
      for (int64_t k = args.embeddings[match.index].vectors; k > 0; --k) push(0);
    } else {
      push(ids[i]);
    }
    i += change == 1 ? std::max<size_t>(match.length, 1) : 1;
  }
  return {{frame_chunk(args.tokenizer.frame(), content)}, std::ssize(content.ids)};
}

Chunk empty_chunk(const Tokenizer& tokenizer) {
  const EmbeddingNames none;
  return chunk_text({{"", 1.0}}, {.tokenizer = tokenizer, .embeddings = none}).chunks.front();
}

}  // namespace sd::text
