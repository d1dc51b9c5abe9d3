#include "nn/layers.h"

#include <ATen/ATen.h>

namespace sd {

Conv2d::Conv2d(const WeightView& view, const Shape& shape, const KernelPolicy& kernels) {
  const at::Tensor weight = view.get("weight", {shape.out, shape.in, shape.kernel, shape.kernel});
  const at::Tensor bias = view.get("bias", {shape.out});
  if (shape.kernel == 1 && shape.stride == 1 && shape.padding == 0) {
    linear_ = choose_kernel(linear_rows(), {weight.reshape({shape.out, shape.in}), bias}, kernels);
  } else {
    conv_ = choose_kernel(conv2d_rows(), {weight, bias, shape.stride, shape.padding}, kernels);
  }
}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  if (conv_) return (*conv_)(x);
  return tokens_to_image((*linear_)(image_to_tokens(x)), x.size(2), x.size(3));
}

Linear::Linear(const WeightView& view, int64_t in, int64_t out, const KernelPolicy& kernels,
               bool bias)
    : kernel_(choose_kernel(
          linear_rows(),
          {view.get("weight", {out, in}), bias ? view.get("bias", {out}) : at::Tensor()},
          kernels)) {}

Linear Linear::of_conv1x1(const WeightView& view, int64_t in, int64_t out,
                          const KernelPolicy& kernels) {
  const at::Tensor weight = view.get("weight", {out, in, 1, 1}).reshape({out, in});
  return Linear(choose_kernel(linear_rows(), {weight, view.get("bias", {out})}, kernels));
}

GroupNorm::GroupNorm(const WeightView& view, int64_t channels, int64_t groups, double eps,
                     bool silu, const KernelPolicy& kernels)
    : kernel_(choose_kernel(
          group_norm_rows(),
          {view.get("weight", {channels}), view.get("bias", {channels}), groups, eps, silu},
          kernels)) {}

LayerNorm::LayerNorm(const WeightView& view, int64_t width)
    : weight_(view.get("weight", {width})), bias_(view.get("bias", {width})) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, 1e-5);
}

Embedding::Embedding(const WeightView& view, int64_t count, int64_t width)
    : weight_(view.get("weight", {count, width})) {}

at::Tensor Embedding::operator()(const at::Tensor& ids) const {
  return at::embedding(weight_, ids);
}

Attention::Attention(int64_t heads, bool causal, const KernelPolicy& kernels)
    : kernel_(choose_kernel(attention_rows(), AttentionSpec{heads, causal}, kernels)) {}

Geglu::Geglu(const WeightView& view, int64_t in, int64_t out, const KernelPolicy& kernels)
    : kernel_(choose_kernel(geglu_rows(),
                            {view.get("weight", {2 * out, in}), view.get("bias", {2 * out})},
                            kernels)) {}

at::Tensor image_to_tokens(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast).permute({0, 2, 3, 1}).flatten(1, 2);
}

at::Tensor tokens_to_image(const at::Tensor& tokens, int64_t height, int64_t width) {
  return tokens.contiguous().unflatten(1, {height, width}).permute({0, 3, 1, 2});
}

at::Tensor repeat_rows(const at::Tensor& x, int64_t rows) {
  if (x.size(0) == rows) return x;
  return at::cat(std::vector<at::Tensor>(static_cast<size_t>(rows / x.size(0)), x));
}

at::Tensor upsample_nearest(const at::Tensor& x) {
  return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
}

}  // namespace sd
