#include <ATen/ATen.h>

#include "models/clip_encoder.h"
#include "models/text_encoder.h"

namespace sd {
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
  ClipText(const WeightView& view, const ClipTextConfig& config, const KernelPolicy& kernels)
      : device_(view.options().device()),
        vocab_size_(config.vocab_size),
        token_embedding_(view["embeddings.token_embedding"], config.vocab_size, config.hidden_size),
        position_embedding_(view["embeddings.position_embedding"], config.max_position_embeddings,
                            config.hidden_size),
        encoder_(view["encoder"], encoder_spec(config), kernels),
        final_layer_norm_(view["final_layer_norm"], config.hidden_size) {}

  at::Tensor encode(const at::Tensor& given, const Trace& trace) const override {
    const at::Tensor ids = given.to(device_);
    const at::Tensor embedded =
        token_embedding_(ids) + position_embedding_(at::arange(ids.size(1), ids.options()));
    return final_layer_norm_(encoder_(embedded, trace)).to(at::kFloat);
  }

  int64_t vocab_size() const override { return vocab_size_; }

 private:
  at::Device device_;
  int64_t vocab_size_;
  Embedding token_embedding_;
  Embedding position_embedding_;
  ClipEncoder encoder_;
  LayerNorm final_layer_norm_;
};

}  // namespace

std::unique_ptr<const TextEncoder> make_clip_text(const WeightView& view,
                                                  const ClipTextConfig& config,
                                                  const KernelPolicy& kernels) {
  return std::make_unique<ClipText>(view["transformer.text_model"], config, kernels);
}

}  // namespace sd
