#include <ATen/ATen.h>

#include "models/text_encoder.h"

namespace sd {
namespace {

/// transformers' CLIPEncoderLayer.
class ClipLayer {
 public:
  ClipLayer(const WeightView& view, const ClipTextConfig& config, const KernelPolicy& kernels)
      : layer_norm1_(view["layer_norm1"], config.hidden_size),
        q_proj_(square(view["self_attn.q_proj"], config, kernels)),
        k_proj_(square(view["self_attn.k_proj"], config, kernels)),
        v_proj_(square(view["self_attn.v_proj"], config, kernels)),
        attention_(config.num_attention_heads, /*causal=*/true, kernels),
        out_proj_(square(view["self_attn.out_proj"], config, kernels)),
        layer_norm2_(view["layer_norm2"], config.hidden_size),
        fc1_(view["mlp.fc1"], config.hidden_size, config.intermediate_size, kernels),
        fc2_(view["mlp.fc2"], config.intermediate_size, config.hidden_size, kernels),
        quick_gelu_(config.hidden_act == "quick_gelu") {}

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor normed = layer_norm1_(x);
    const at::Tensor h =
        out_proj_(attention_(q_proj_(normed), k_proj_(normed), v_proj_(normed)), x);
    const at::Tensor inner = fc1_(layer_norm2_(h));
    return fc2_(quick_gelu_ ? inner * at::sigmoid(inner * 1.702) : at::gelu(inner), h);
  }

 private:
  static Linear square(const WeightView& view, const ClipTextConfig& config,
                       const KernelPolicy& kernels) {
    return Linear(view, config.hidden_size, config.hidden_size, kernels);
  }

  LayerNorm layer_norm1_;
  Linear q_proj_;
  Linear k_proj_;
  Linear v_proj_;
  Attention attention_;
  Linear out_proj_;
  LayerNorm layer_norm2_;
  Linear fc1_;
  Linear fc2_;
  bool quick_gelu_;
};

/// transformers' CLIPTextTransformer.
class ClipText final : public TextEncoder {
 public:
  ClipText(const WeightView& view, const ClipTextConfig& config, const KernelPolicy& kernels)
      : vocab_size_(config.vocab_size),
        token_embedding_(view["embeddings.token_embedding"], config.vocab_size, config.hidden_size),
        position_embedding_(view["embeddings.position_embedding"], config.max_position_embeddings,
                            config.hidden_size),
        final_layer_norm_(view["final_layer_norm"], config.hidden_size) {
    for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
      layers_.emplace_back(view["encoder.layers"][i], config, kernels);
    }
  }

  at::Tensor encode(const at::Tensor& ids, const Trace& trace) const override {
    at::Tensor h = token_embedding_(ids) + position_embedding_(at::arange(ids.size(1)));
    if (trace) trace(0, h);
    for (size_t i = 0; i < layers_.size(); ++i) {
      h = layers_[i](h);
      if (trace) trace(static_cast<int64_t>(i) + 1, h);
    }
    return final_layer_norm_(h);
  }

  int64_t vocab_size() const override { return vocab_size_; }

 private:
  int64_t vocab_size_;
  Embedding token_embedding_;
  Embedding position_embedding_;
  std::vector<ClipLayer> layers_;
  LayerNorm final_layer_norm_;
};

}  // namespace

std::unique_ptr<const TextEncoder> make_clip_text(const WeightView& view,
                                                  const ClipTextConfig& config,
                                                  const KernelPolicy& kernels) {
  return std::make_unique<ClipText>(view["transformer.text_model"], config, kernels);
}

}  // namespace sd
