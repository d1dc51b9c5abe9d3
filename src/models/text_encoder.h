#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/model_config.h"
#include "nn/layers.h"
#include "text/tokenizer.h"

namespace sd::models {

/// What a text encoder reads.
struct TextInputs {
  /// Vectors that stand at a position of a row, and behind it, in place of the ids' embeddings;
  /// what reaches beyond the row is cut.
  struct Vectors {
    int64_t row, position;
    at::Tensor values;  ///< [n, width]
  };

  at::Tensor ids;  ///< [N, kMaxTokens] int64
  std::vector<Vectors> vectors = {};
  int64_t clip_skip = 1;  ///< 1: the last layer's output, 2: that of the last but one …
};

/// Turns token ids into the context that the UNet attends to. Immutable.
class TextEncoder {
 public:
  /// Called with a layer's number (0: the embedding) and what it gave.
  using Trace = std::function<void(int64_t, const at::Tensor&)>;

  virtual ~TextEncoder() = default;

  /// [N, kMaxTokens, width] f32.
  virtual at::Tensor encode(const TextInputs& inputs, const Trace& trace) const = 0;
  at::Tensor encode(const TextInputs& inputs) const { return encode(inputs, nullptr); }
  at::Tensor encode(const at::Tensor& ids, const Trace& trace = nullptr) const {
    return encode(TextInputs{.ids = ids}, trace);
  }

  /// Ids must be below this.
  virtual int64_t vocab_size() const = 0;
  /// What `TextInputs::clip_skip` may be at most.
  virtual int64_t most_clip_skip() const = 0;
  /// Of a token's embedding, and of the context.
  virtual int64_t width() const = 0;
};

/// The embeddings [N, T, width] of ids with the vectors put in their places.
at::Tensor with_vectors(const at::Tensor& embedded,
                        const std::vector<TextInputs::Vectors>& vectors);

/// ldm.modules.encoders.modules.FrozenCLIPEmbedder's transformer: last hidden state after the final
/// layer norm, causal, padding not masked. `view` is the scope "cond_stage_model".
std::unique_ptr<const TextEncoder> make_clip_text(const weights::WeightView& view,
                                                  const ClipTextConfig& config,
                                                  const runtime::KernelPolicy& kernels);

/// ldm.modules.encoders.modules.BERTEmbedder's transformer (x-transformers' Encoder, pre-norm,
/// eight heads of 64, no mask). `view` is the scope "cond_stage_model".
std::unique_ptr<const TextEncoder> make_bert_text(const weights::WeightView& view,
                                                  const BertTextConfig& config,
                                                  const runtime::KernelPolicy& kernels);

}  // namespace sd::models
