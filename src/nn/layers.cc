#include "nn/layers.h"

#include <ATen/ATen.h>

#include "runtime/mapped_file.h"
#include "runtime/parallel.h"
#include "runtime/profile.h"

namespace sd {
namespace {

/// Chooses a layer's kernel, which may bring the weight into an order of its own.
template <class Entries, class Spec>
auto make_kernel(const Entries& entries, const Spec& spec, const KernelPolicy& kernels) {
  const Zone zone("kernels");
  return choose_kernel(entries, spec, kernels);
}

const char* zone_name(int64_t kernel) {
  if (kernel == 1) return "conv 1x1";
  return kernel == 3 ? "conv 3x3" : "conv";
}

std::shared_ptr<const LinearKernel> shared_linear(const WeightView& view, const at::Tensor& weight,
                                                  const at::Tensor& bias,
                                                  const KernelPolicy& kernels) {
  return view.shared<LinearKernel>([&] {
    return make_kernel(linear_entries(), LinearSpec{weight, bias}, kernels);
  });
}

/// Of a linear map of tokens x [..., in].
int64_t linear_flop(const at::Tensor& x, int64_t weights) {
  return 2 * weights * (x.numel() / x.size(-1));
}

}  // namespace

WeightPages::WeightPages(const at::Tensor& weight, const KernelPolicy& kernels) {
  if (!weight.device().is_cpu()) return;
  release_pages(weight.const_data_ptr(), weight.nbytes());
  if (kernels.memory == MemoryMode::kLow && !kernels.plain) weight_ = weight;
}

void WeightPages::used() const {
  if (weight_.defined()) release_pages(weight_.const_data_ptr(), weight_.nbytes());
}

Conv2d::Conv2d(const WeightView& view, const Shape& shape, const KernelPolicy& kernels)
    : shape_(shape) {
  const at::Tensor weight = view.get("weight", {shape.out, shape.in, shape.kernel, shape.kernel});
  const at::Tensor bias = shape.bias ? view.get("bias", {shape.out}) : at::Tensor();
  if (shape.kernel == 1 && shape.stride == 1 && shape.padding == 0) {
    linear_ = shared_linear(view, weight.reshape({shape.out, shape.in}), bias, kernels);
  } else {
    conv_ = view.shared<Conv2dKernel>([&] {
      return make_kernel(conv2d_entries(), Conv2dSpec{weight, bias, shape.stride, shape.padding},
                         kernels);
    });
  }
  pages_.emplace(weight, kernels);
}

at::Tensor Conv2d::operator()(const Conv2dInputs& inputs) const {
  const Zone zone(zone_name(shape_.kernel), [&] {
    const int64_t area = inputs.x.size(2) * inputs.x.size(3) * (inputs.upsample ? 4 : 1);
    return 2 * inputs.x.size(0) * area / (shape_.stride * shape_.stride) * shape_.in * shape_.out *
           shape_.kernel * shape_.kernel;
  });
  return apply(inputs);
}

at::Tensor Conv2d::apply(const Conv2dInputs& inputs) const {
  at::Tensor y;
  if (conv_) {
    y = (*conv_)(inputs);
  } else {
    at::Tensor x = inputs.norm != nullptr ? (*inputs.norm)(inputs.x) : inputs.x;
    if (inputs.upsample) x = upsample_nearest(x);
    const at::Tensor& r = inputs.residual;
    const at::Tensor tokens =
        (*linear_)(image_to_tokens(x), r.defined() ? image_to_tokens(r) : at::Tensor());
    y = tokens_to_image(tokens, x.size(2), x.size(3));
    if (inputs.channels.defined()) y.add_(inputs.channels.unsqueeze(-1).unsqueeze(-1));
  }
  pages_->used();
  return y;
}

Linear::Linear(const WeightView& view, const at::Tensor& weight, const at::Tensor& bias,
               const KernelPolicy& kernels)
    : weights_(weight.numel()),
      kernel_(shared_linear(view, weight, bias, kernels)),
      pages_({weight, kernels}) {}

Linear::Linear(const WeightView& view, int64_t in, int64_t out, const KernelPolicy& kernels,
               bool bias)
    : Linear(view, view.get("weight", {out, in}), bias ? view.get("bias", {out}) : at::Tensor(),
             kernels) {}

Linear Linear::of_conv1x1(const WeightView& view, int64_t in, int64_t out,
                          const KernelPolicy& kernels) {
  return Linear(view, view.get("weight", {out, in, 1, 1}).reshape({out, in}),
                view.get("bias", {out}), kernels);
}

at::Tensor Linear::operator()(const at::Tensor& x, const at::Tensor& residual) const {
  const Zone zone("linear", [&] { return linear_flop(x, weights_); });
  at::Tensor y = (*kernel_)(x, residual);
  pages_.used();
  return y;
}

GroupNorm::GroupNorm(const WeightView& view, int64_t channels, int64_t groups, double eps,
                     bool silu, const KernelPolicy& kernels)
    : spec_{view.get("weight", {channels}), view.get("bias", {channels}), groups, eps, silu},
      kernels_(kernels),
      kernel_(choose_kernel(group_norm_entries(), spec_, kernels)) {}

MomentsFn GroupNorm::moments() const {
  const auto options = spec_.weight.options().dtype(at::kFloat);
  const GroupNormSpec unweighted{at::ones({channels()}, options), at::zeros({channels()}, options),
                                 spec_.groups, spec_.eps, /*silu=*/false};
  const std::shared_ptr<const GroupNormKernel> kernel =
      choose_kernel(group_norm_entries(), unweighted, kernels_);
  return [kernel, unweighted](const at::Tensor& x) -> NormMoments {
    // Without weights, scale is 1/sqrt(variance + eps) and -shift/scale what rounding took of the
    // mean.
    const ChannelAffine affine =
        kernel->affine(x.to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast));
    const int64_t width = x.size(1) / unweighted.groups;
    const auto of_groups = [&](const at::Tensor& of_channels) {  // [N, C] → [N, groups]
      return of_channels.unflatten(1, {unweighted.groups, width}).select(2, 0).to(at::kDouble);
    };
    const at::Tensor scale = of_groups(affine.scale);
    return {of_groups(affine.mean) - of_groups(affine.shift) / scale,
            (scale.pow(-2) - unweighted.eps).clamp_min_(0),
            static_cast<double>(width * x.size(2) * x.size(3))};
  };
}

ChannelAffine GroupNorm::affine(const NormMoments& moments) const {
  const int64_t width = channels() / spec_.groups;
  const auto of_channels = [&](const at::Tensor& of_groups) {  // [N, groups] → [N, C]
    return of_groups.repeat_interleave(width, 1);
  };
  const at::Tensor mean = of_channels(moments.mean);
  const at::Tensor scale = of_channels((moments.variance + spec_.eps).rsqrt_()) * spec_.weight;
  const at::Tensor rounded = mean.to(at::kFloat);
  const at::Tensor shift = spec_.bias + (rounded - mean) * scale;  // what rounding took goes here
  return {rounded, scale.to(at::kFloat), shift.to(at::kFloat), spec_.silu};
}

void NormMoments::add(const NormMoments& other) {
  if (!mean.defined()) {
    *this = other;
    return;
  }
  const double all = values + other.values;
  const at::Tensor apart = other.mean - mean;
  mean = mean + apart * (other.values / all);
  variance = (variance * values + other.variance * other.values) / all +
             apart.square() * (values / all * (other.values / all));
  values = all;
}

at::Tensor GroupNorm::operator()(const at::Tensor& x) const {
  const Zone zone("norm");
  return (*kernel_)(x);
}

LayerNorm::LayerNorm(const WeightView& view, int64_t width)
    : weight_(view.get("weight", {width})), bias_(view.get("bias", {width})) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  const Zone zone("norm");
  if (x.is_meta()) return at::empty_like(x);  // ATen's has no rule for shapes alone
  constexpr int64_t kLeastValues = 1 << 16;
  const SerialLoops loops(x.numel() <= kLeastValues);  // ATen would wake all threads for a row each
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, 1e-5);
}

Embedding::Embedding(const WeightView& view, int64_t count, int64_t width)
    : weight_(view.get("weight", {count, width})) {}

at::Tensor Embedding::operator()(const at::Tensor& ids) const {
  return at::embedding(weight_, ids);
}

Attention::Attention(int64_t heads, bool causal, const KernelPolicy& kernels)
    : kernel_(choose_kernel(attention_entries(), AttentionSpec{heads, causal}, kernels)) {}

at::Tensor Attention::operator()(const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v) const {
  const bool itself = q.size(1) == k.size(1);
  const Zone zone(itself ? "attention to itself" : "attention to the words", [&] {
    return 2 * q.numel() * k.size(1) + 2 * q.size(0) * q.size(1) * v.size(1) * v.size(2);
  });
  return (*kernel_)(q, k, v);
}

Geglu::Geglu(const WeightView& view, int64_t in, int64_t out, const KernelPolicy& kernels)
    : weights_(2 * out * in) {
  const at::Tensor weight = view.get("weight", {2 * out, in});
  const at::Tensor bias = view.get("bias", {2 * out});
  kernel_ = view.shared<GegluKernel>([&] {
    return make_kernel(geglu_entries(), GegluSpec{weight, bias}, kernels);
  });
  pages_.emplace(weight, kernels);
}

at::Tensor Geglu::operator()(const at::Tensor& x) const {
  const Zone zone("linear", [&] { return linear_flop(x, weights_); });
  at::Tensor y = (*kernel_)(x);
  pages_->used();
  return y;
}

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
