#include "models/text_batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

namespace sd::models {
namespace {

/// More at once take more memory and no less time.
constexpr size_t kAtOnce = 8;

/// Chunk number i of every text.
std::vector<const text::Chunk*> column(const TextBatch& batch, size_t i) {
  std::vector<const text::Chunk*> chunks;
  for (const text::ChunkedText& text : batch.texts) {
    chunks.push_back(i < text.chunks.size() ? &text.chunks[i] : &batch.filling);
  }
  return chunks;
}

TextInputs inputs_of(std::span<const text::Chunk* const> chunks,
                     const std::vector<TextEmbedding>& embeddings, int64_t clip_skip) {
  TextInputs inputs{.ids = at::empty({std::ssize(chunks), text::kMaxTokens}, at::kLong),
                    .clip_skip = clip_skip};
  for (size_t row = 0; row < chunks.size(); ++row) {
    const auto at_row = static_cast<int64_t>(row);
    inputs.ids.select(0, at_row).copy_(at::tensor(chunks[row]->ids, at::kLong));
    for (const text::Injected& one : chunks[row]->embeddings) {
      inputs.vectors.push_back({at_row, one.offset + 1, embeddings[one.embedding].vectors});
    }
  }
  return inputs;
}

at::Tensor encode_column(const EncodeFn& encode, const std::vector<const text::Chunk*>& chunks,
                         const std::vector<TextEmbedding>& embeddings, int64_t clip_skip) {
  std::vector<at::Tensor> parts;
  for (size_t i = 0; i < chunks.size(); i += kAtOnce) {
    const size_t count = std::min(kAtOnce, chunks.size() - i);
    parts.push_back(encode(inputs_of(std::span(chunks).subspan(i, count), embeddings, clip_skip)));
  }
  return parts.size() == 1 ? parts.front() : at::cat(parts);
}

bool has_weights(const std::vector<const text::Chunk*>& chunks) {
  return std::any_of(chunks.begin(), chunks.end(), [](const text::Chunk* chunk) {
    return std::any_of(chunk->weights.begin(), chunk->weights.end(),
                       [](double weight) { return weight != 1.0; });
  });
}

/// [S, T, 1]
at::Tensor weights_of(const std::vector<const text::Chunk*>& chunks) {
  std::vector<float> weights;
  for (const text::Chunk* chunk : chunks) {
    weights.insert(weights.end(), chunk->weights.begin(), chunk->weights.end());
  }
  return at::tensor(weights).view({std::ssize(chunks), text::kMaxTokens, 1});
}

/// The mean of z [S, T, C], in which text i stands counts[i] times.
at::Tensor mean_of(const at::Tensor& z, const std::vector<int64_t>& counts) {
  if (std::all_of(counts.begin(), counts.end(), [](int64_t count) { return count == 1; })) {
    return z.mean();
  }
  const at::Tensor shares = at::tensor(counts, at::kLong).to(z.options());
  return (z.mean(at::IntArrayRef{1, 2}) * shares).sum() / shares.sum();
}

at::Tensor weighed(const at::Tensor& z, const std::vector<const text::Chunk*>& chunks,
                   const TextBatch& batch, Emphasis emphasis) {
  const bool restores = emphasis == Emphasis::kOriginal || emphasis == Emphasis::kOld;
  if ((!restores && emphasis != Emphasis::kNoNorm) || !has_weights(chunks)) return z;
  const at::Tensor result = z * weights_of(chunks).to(z.device());
  if (!restores) return result;
  return result * (mean_of(z, batch.counts) / mean_of(result, batch.counts));
}

}  // namespace

at::Tensor encode_batch(const EncodeFn& encode, const TextBatch& batch,
                        const std::vector<TextEmbedding>& embeddings,
                        const PromptSettings& settings) {
  size_t longest = 0;
  for (const text::ChunkedText& text : batch.texts) longest = std::max(longest, text.chunks.size());
  std::vector<at::Tensor> columns;
  for (size_t i = 0; i < longest; ++i) {
    const std::vector<const text::Chunk*> chunks = column(batch, i);
    const at::Tensor z = encode_column(encode, chunks, embeddings, settings.clip_skip);
    columns.push_back(weighed(z, chunks, batch, settings.emphasis));
  }
  return columns.size() == 1 ? columns.front() : at::cat(columns, 1);
}

}  // namespace sd::models
