#include <ATen/ATen.h>

#include <algorithm>

#include "models/clip_encoder.h"
#include "models/text_encoder.h"

namespace sd::models {
namespace {

ClipEncoderSpec encoder_spec(const ClipTextConfig& config) {
  return {.hidden_size = config.hidden_size,
          .intermediate_size = config.intermediate_size,
          .num_hidden_layers = config.num_hidden_layers,
          .num_attention_heads = config.num_attention_heads,
          .hidden_act = config.hidden_act,
          .causal = true};
}

/// transformers' CLIPTextTransformer.
class ClipText final : public TextEncoder {
 public:
  ClipText(const weights::WeightView& view, const ClipTextConfig& config,
           const runtime::KernelPolicy& kernels)
      : device_(view.options().device()),
        vocab_size_(config.vocab_size),
        layers_(config.num_hidden_layers),
        width_(config.hidden_size),
        token_embedding_(view["embeddings.token_embedding"], config.vocab_size, config.hidden_size),
        position_embedding_(view["embeddings.position_embedding"], config.max_position_embeddings,
                            config.hidden_size),
        encoder_(view["encoder"], encoder_spec(config), kernels),
        final_layer_norm_(view["final_layer_norm"], config.hidden_size) {}

  at::Tensor encode(const TextInputs& inputs, const Trace& trace) const override {
    const at::Tensor ids = inputs.ids.to(device_);
    const at::Tensor embedded = with_vectors(token_embedding_(ids), inputs.vectors) +
                                position_embedding_(at::arange(ids.size(1), ids.options()));
    const auto skipped = static_cast<size_t>(inputs.clip_skip - 1);
    return final_layer_norm_(encoder_(embedded, trace, skipped)).to(at::kFloat);
  }

  int64_t vocab_size() const override { return vocab_size_; }
  int64_t most_clip_skip() const override { return layers_ + 1; }
  int64_t width() const override { return width_; }

 private:
  at::Device device_;
  int64_t vocab_size_;
  int64_t layers_;
  int64_t width_;
  nn::Embedding token_embedding_;
  nn::Embedding position_embedding_;
  ClipEncoder encoder_;
  nn::LayerNorm final_layer_norm_;
};

}  // namespace

at::Tensor with_vectors(const at::Tensor& embedded,
                        const std::vector<TextInputs::Vectors>& vectors) {
  if (vectors.empty()) return embedded;
  at::Tensor result = embedded.clone();
  for (const TextInputs::Vectors& one : vectors) {
    const int64_t length = std::min(one.values.size(0), result.size(1) - one.position);
    if (length <= 0) continue;
    result.select(0, one.row)
        .narrow(0, one.position, length)
        .copy_(one.values.narrow(0, 0, length));
  }
  return result;
}

std::unique_ptr<const TextEncoder> make_clip_text(const weights::WeightView& view,
                                                  const ClipTextConfig& config,
                                                  const runtime::KernelPolicy& kernels) {
  return std::make_unique<ClipText>(view["transformer.text_model"], config, kernels);
}

}  // namespace sd::models
