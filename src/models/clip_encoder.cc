#include "models/clip_encoder.h"

#include <ATen/ATen.h>

namespace sd::models {
namespace {

nn::Linear square(const weights::WeightView& view, const ClipEncoderSpec& spec,
                  const runtime::KernelPolicy& kernels) {
  return nn::Linear(view, spec.hidden_size, spec.hidden_size, kernels);
}

}  // namespace

ClipEncoderLayer::ClipEncoderLayer(const weights::WeightView& view, const ClipEncoderSpec& spec,
                                   const runtime::KernelPolicy& kernels)
    : layer_norm1_(view["layer_norm1"], spec.hidden_size),
      q_proj_(square(view["self_attn.q_proj"], spec, kernels)),
      k_proj_(square(view["self_attn.k_proj"], spec, kernels)),
      v_proj_(square(view["self_attn.v_proj"], spec, kernels)),
      attention_(spec.num_attention_heads, spec.causal, kernels),
      out_proj_(square(view["self_attn.out_proj"], spec, kernels)),
      layer_norm2_(view["layer_norm2"], spec.hidden_size),
      fc1_(view["mlp.fc1"], spec.hidden_size, spec.intermediate_size, kernels),
      fc2_(view["mlp.fc2"], spec.intermediate_size, spec.hidden_size, kernels),
      quick_gelu_(spec.hidden_act == "quick_gelu") {}

at::Tensor ClipEncoderLayer::operator()(const at::Tensor& x) const {
  const at::Tensor normed = layer_norm1_(x);
  const at::Tensor h = out_proj_(attention_(q_proj_(normed), k_proj_(normed), v_proj_(normed)), x);
  const at::Tensor inner = fc1_(layer_norm2_(h));
  return fc2_(quick_gelu_ ? inner * at::sigmoid(inner * 1.702) : at::gelu(inner), h);
}

ClipEncoder::ClipEncoder(const weights::WeightView& view, const ClipEncoderSpec& spec,
                         const runtime::KernelPolicy& kernels) {
  for (int64_t i = 0; i < spec.num_hidden_layers; ++i) {
    layers_.emplace_back(view["layers"][i], spec, kernels);
  }
}

at::Tensor ClipEncoder::operator()(const at::Tensor& x, const Trace& trace, size_t skipped) const {
  at::Tensor h = x;
  if (trace) trace(0, h);
  for (size_t i = 0; i + skipped < layers_.size(); ++i) {
    h = layers_[i](h);
    if (trace) trace(static_cast<int64_t>(i) + 1, h);
  }
  return h;
}

}  // namespace sd::models
