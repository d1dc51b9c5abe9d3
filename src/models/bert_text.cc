#include <ATen/ATen.h>

#include "models/text_encoder.h"

namespace sd::models {
namespace {

// ldm.modules.x_transformer.Attention: so many heads of such a width, whatever n_embed is.
constexpr int64_t kHeads = 8;
constexpr int64_t kHeadWidth = 64;

/// One layer of x-transformers' Encoder: attention, then an MLP, each after its norm and with a
/// residual. In the checkpoint it is two entries of attn_layers.layers: 2i and 2i + 1.
class BertLayer {
 public:
  BertLayer(const weights::WeightView& attn, const weights::WeightView& mlp, int64_t width,
            const runtime::KernelPolicy& kernels)
      : attn_norm_(attn["0"], width),
        to_q_(attn["1.to_q"], width, kHeads * kHeadWidth, kernels, /*bias=*/false),
        to_k_(attn["1.to_k"], width, kHeads * kHeadWidth, kernels, /*bias=*/false),
        to_v_(attn["1.to_v"], width, kHeads * kHeadWidth, kernels, /*bias=*/false),
        attention_(kHeads, /*causal=*/false, kernels),
        to_out_(attn["1.to_out"], kHeads * kHeadWidth, width, kernels),
        mlp_norm_(mlp["0"], width),
        mlp_in_(mlp["1.net.0.0"], width, 4 * width, kernels),
        mlp_out_(mlp["1.net.2"], 4 * width, width, kernels) {}

  at::Tensor operator()(const at::Tensor& x) const {
    const at::Tensor normed = attn_norm_(x);
    const at::Tensor h = to_out_(attention_(to_q_(normed), to_k_(normed), to_v_(normed)), x);
    return mlp_out_(at::gelu(mlp_in_(mlp_norm_(h))), h);
  }

 private:
  nn::LayerNorm attn_norm_;
  nn::Linear to_q_;
  nn::Linear to_k_;
  nn::Linear to_v_;
  nn::Attention attention_;
  nn::Linear to_out_;
  nn::LayerNorm mlp_norm_;
  nn::Linear mlp_in_;
  nn::Linear mlp_out_;
};

/// ldm.modules.x_transformer.TransformerWrapper around an Encoder, without its logits.
class BertText final : public TextEncoder {
 public:
  BertText(const weights::WeightView& view, const BertTextConfig& config,
           const runtime::KernelPolicy& kernels)
      : device_(view.options().device()),
        vocab_size_(config.vocab_size),
        width_(config.n_embed),
        token_emb_(view["token_emb"], config.vocab_size, config.n_embed),
        pos_emb_(view["pos_emb.emb"], config.max_seq_len, config.n_embed),
        norm_(view["norm"], config.n_embed) {
    const weights::WeightView layers = view["attn_layers.layers"];
    for (int64_t i = 0; i < config.n_layer; ++i) {
      layers_.emplace_back(layers[2 * i], layers[2 * i + 1], config.n_embed, kernels);
    }
  }

  at::Tensor encode(const TextInputs& inputs, const Trace& trace) const override {
    const at::Tensor ids = inputs.ids.to(device_);
    at::Tensor h = with_vectors(token_emb_(ids), inputs.vectors) +
                   pos_emb_(at::arange(ids.size(1), ids.options()));
    if (trace) trace(0, h);
    for (size_t i = 0; i < layers_.size(); ++i) {
      h = layers_[i](h);
      if (trace) trace(static_cast<int64_t>(i) + 1, h);
    }
    return norm_(h).to(at::kFloat);
  }

  int64_t vocab_size() const override { return vocab_size_; }
  int64_t most_clip_skip() const override { return 1; }
  int64_t width() const override { return width_; }

 private:
  at::Device device_;
  int64_t vocab_size_;
  int64_t width_;
  nn::Embedding token_emb_;
  nn::Embedding pos_emb_;
  std::vector<BertLayer> layers_;
  nn::LayerNorm norm_;
};

}  // namespace

std::unique_ptr<const TextEncoder> make_bert_text(const weights::WeightView& view,
                                                  const BertTextConfig& config,
                                                  const runtime::KernelPolicy& kernels) {
  return std::make_unique<BertText>(view["transformer"], config, kernels);
}

}  // namespace sd::models
