#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/model_config.h"
#include "nn/layers.h"
#include "text/tokenizer.h"

namespace sd {

/// Turns token ids into the context that the UNet attends to. Immutable.
class TextEncoder {
 public:
  /// Called with a layer's number (0: the embedding) and what it gave.
  using Trace = std::function<void(int64_t, const at::Tensor&)>;

  virtual ~TextEncoder() = default;

  /// ids [N, 77] int64 → [N, 77, width] f32.
  virtual at::Tensor encode(const at::Tensor& ids, const Trace& trace) const = 0;
  at::Tensor encode(const at::Tensor& ids) const { return encode(ids, nullptr); }

  /// Ids must be below this.
  virtual int64_t vocab_size() const = 0;
};

/// ldm.modules.encoders.modules.FrozenCLIPEmbedder's transformer: last hidden state after the final
/// layer norm, causal, padding not masked. `view` is the scope "cond_stage_model".
std::unique_ptr<const TextEncoder> make_clip_text(const WeightView& view,
                                                  const ClipTextConfig& config,
                                                  const KernelPolicy& kernels);

/// ldm.modules.encoders.modules.BERTEmbedder's transformer (x-transformers' Encoder, pre-norm,
/// eight heads of 64, no mask). `view` is the scope "cond_stage_model".
std::unique_ptr<const TextEncoder> make_bert_text(const WeightView& view,
                                                  const BertTextConfig& config,
                                                  const KernelPolicy& kernels);

}  // namespace sd
