#include "nn/layers.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/mapped_file.h"
#include "runtime/parallel.h"
#include "runtime/profile.h"

namespace sd::nn {
namespace {

/// Chooses a layer's kernel, which may bring the weight into an order of its own.
template <class Entries, class Spec>
auto make_kernel(const Entries& entries, const Spec& spec, const runtime::KernelPolicy& kernels) {
  const runtime::Zone zone("kernels");
  return kernels::choose_kernel(entries, spec, kernels);
}

/// Whether a layer knows its weight's pages, to release them after each use.
bool keeps_pages(const runtime::KernelPolicy& kernels) {
  return kernels.memory == MemoryMode::kLow && !kernels.plain;
}

const char* zone_name(int64_t kernel) {
  if (kernel == 1) return "conv 1x1";
  return kernel == 3 ? "conv 3x3" : "conv";
}

/// What `make` gives of the weight that `read` gives. Where another network has that already, it is
/// taken and the weight not read: `*weight` stays undefined, unless memory is short and its pages
/// are to go after each use.
template <class Kernel, class Read, class Make>
std::shared_ptr<const Kernel> shared_kernel(const weights::WeightView& view,
                                            const runtime::KernelPolicy& kernels, const Read& read,
                                            const Make& make, at::Tensor* weight) {
  auto kernel = view.shared<Kernel>([&] {
    *weight = read();
    return make(*weight);
  });
  if (!weight->defined() && keeps_pages(kernels)) *weight = read();
  return kernel;
}

/// Of a linear map of tokens x [..., in].
int64_t linear_flop(const at::Tensor& x, int64_t weights) {
  return 2 * weights * (x.numel() / x.size(-1));
}

}  // namespace

WeightPages::WeightPages(const at::Tensor& weight, const runtime::KernelPolicy& kernels) {
  if (!weight.defined() || !weight.device().is_cpu()) return;
  runtime::release_pages(weight.const_data_ptr(), weight.nbytes());
  if (keeps_pages(kernels)) weight_ = weight;
}

void WeightPages::used() const {
  if (weight_.defined()) runtime::release_pages(weight_.const_data_ptr(), weight_.nbytes());
}

Conv2d::Conv2d(const weights::WeightView& view, const Shape& shape,
               const runtime::KernelPolicy& kernels)
    : shape_(shape) {
  const auto read = [&] {
    return view.get("weight", {shape.out, shape.in, shape.kernel, shape.kernel});
  };
  const auto bias = [&] { return shape.bias ? view.get("bias", {shape.out}) : at::Tensor(); };
  at::Tensor weight;
  if (shape.kernel == 1 && shape.stride == 1 && shape.padding == 0) {
    const auto make = [&](const at::Tensor& w) {
      const kernels::LinearSpec spec{w.reshape({shape.out, shape.in}), bias()};
      return make_kernel(kernels::linear_entries(), spec, kernels);
    };
    linear_ = shared_kernel<kernels::LinearKernel>(view, kernels, read, make, &weight);
  } else {
    const auto make = [&](const at::Tensor& w) {
      const kernels::Conv2dSpec spec{w, bias(), shape.stride, shape.padding};
      return make_kernel(kernels::conv2d_entries(), spec, kernels);
    };
    conv_ = shared_kernel<kernels::Conv2dKernel>(view, kernels, read, make, &weight);
  }
  pages_.emplace(weight, kernels);
}

at::Tensor Conv2d::operator()(const kernels::Conv2dInputs& inputs) const {
  const runtime::Zone zone(zone_name(shape_.kernel), [&] {
    const int64_t area = inputs.x.size(2) * inputs.x.size(3) * (inputs.upsample ? 4 : 1);
    return 2 * inputs.x.size(0) * area / (shape_.stride * shape_.stride) * shape_.in * shape_.out *
           shape_.kernel * shape_.kernel;
  });
  return apply(inputs);
}

at::Tensor Conv2d::apply(const kernels::Conv2dInputs& inputs) const {
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
    if (inputs.relu) y.relu_();
  }
  pages_->used();
  return y;
}

Conv2d conv3x3(const weights::WeightView& view, int64_t in, int64_t out,
               const runtime::KernelPolicy& kernels) {
  return Conv2d(view, {.in = in, .out = out, .kernel = 3, .padding = 1}, kernels);
}

Conv2d conv1x1(const weights::WeightView& view, int64_t in, int64_t out,
               const runtime::KernelPolicy& kernels) {
  return Conv2d(view, {.in = in, .out = out, .kernel = 1}, kernels);
}

Linear::Linear(const weights::WeightView& view, at::IntArrayRef shape, bool bias,
               const runtime::KernelPolicy& kernels)
    : weights_(shape[0] * shape[1]) {
  const auto read = [&] { return view.get("weight", shape); };
  const auto make = [&](const at::Tensor& w) {
    const at::Tensor rows = w.reshape({shape[0], shape[1]});
    const kernels::LinearSpec spec{rows, bias ? view.get("bias", {shape[0]}) : at::Tensor()};
    return make_kernel(kernels::linear_entries(), spec, kernels);
  };
  at::Tensor weight;
  kernel_ = shared_kernel<kernels::LinearKernel>(view, kernels, read, make, &weight);
  pages_.emplace(weight, kernels);
}

Linear::Linear(const weights::WeightView& view, int64_t in, int64_t out,
               const runtime::KernelPolicy& kernels, bool bias)
    : Linear(view, {out, in}, bias, kernels) {}

Linear Linear::of_conv1x1(const weights::WeightView& view, int64_t in, int64_t out,
                          const runtime::KernelPolicy& kernels) {
  return {view, {out, in, 1, 1}, /*bias=*/true, kernels};
}

Linear Linear::join(const weights::WeightView& shelf, const std::vector<Joined>& maps, int64_t in,
                    const runtime::KernelPolicy& kernels, bool bias) {
  const auto all_of = [&](const char* leaf, bool is_matrix) {
    std::vector<at::Tensor> parts;
    parts.reserve(maps.size());
    for (const auto& [view, out] : maps) {
      parts.push_back(is_matrix ? view.get(leaf, {out, in}) : view.get(leaf, {out}));
    }
    return at::cat(parts);
  };
  const auto make = [&] {
    const at::Tensor vector = bias ? all_of("bias", false) : at::Tensor();
    return make_kernel(kernels::linear_entries(),
                       kernels::LinearSpec{all_of("weight", true), vector}, kernels);
  };
  // An edit of one is an edit of all, which the shelf's scope does not know.
  const bool edited =
      std::any_of(maps.begin(), maps.end(), [](const Joined& map) { return map.view.is_edited(); });
  std::shared_ptr<const kernels::LinearKernel> kernel =
      edited ? make() : shelf.shared<kernels::LinearKernel>(make);
  int64_t weights = 0;
  for (const Joined& map : maps) weights += map.out * in;
  return {weights, std::move(kernel), kernels};
}

at::Tensor Linear::operator()(const at::Tensor& x, const at::Tensor& residual) const {
  const runtime::Zone zone("linear", [&] { return linear_flop(x, weights_); });
  at::Tensor y = (*kernel_)(x, residual);
  pages_->used();
  return y;
}

GroupNorm::GroupNorm(const weights::WeightView& view, int64_t channels, int64_t groups, double eps,
                     bool silu, const runtime::KernelPolicy& kernels)
    : spec_{view.get("weight", {channels}), view.get("bias", {channels}), groups, eps, silu},
      kernels_(kernels),
      kernel_(kernels::choose_kernel(kernels::group_norm_entries(), spec_, kernels)) {}

MomentsFn GroupNorm::moments() const {
  const auto options = spec_.weight.options().dtype(at::kFloat);
  const kernels::GroupNormSpec unweighted{at::ones({channels()}, options),
                                          at::zeros({channels()}, options), spec_.groups, spec_.eps,
                                          /*silu=*/false};
  const std::shared_ptr<const kernels::GroupNormKernel> kernel =
      kernels::choose_kernel(kernels::group_norm_entries(), unweighted, kernels_);
  return [kernel, unweighted](const at::Tensor& x) -> NormMoments {
    // Without weights, scale is 1/sqrt(variance + eps) and -shift/scale what rounding took of the
    // mean.
    const kernels::ChannelAffine affine =
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

kernels::ChannelAffine GroupNorm::affine(const NormMoments& moments) const {
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
  const runtime::Zone zone("norm");
  return (*kernel_)(x);
}

LayerNorm::LayerNorm(const weights::WeightView& view, int64_t width)
    : weight_(view.get("weight", {width})), bias_(view.get("bias", {width})) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  const runtime::Zone zone("norm");
  if (x.is_meta()) return at::empty_like(x);  // ATen's has no rule for shapes alone
  constexpr int64_t kLeastValues = 1 << 16;
  const runtime::SerialLoops loops(x.numel() <=
                                   kLeastValues);  // ATen would wake all threads for a row each
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, 1e-5);
}

Embedding::Embedding(const weights::WeightView& view, int64_t count, int64_t width)
    : weight_(view.get("weight", {count, width})) {}

at::Tensor Embedding::operator()(const at::Tensor& ids) const {
  return at::embedding(weight_, ids);
}

Attention::Attention(int64_t heads, bool causal, const runtime::KernelPolicy& kernels)
    : kernel_(kernels::choose_kernel(kernels::attention_entries(),
                                     kernels::AttentionSpec{heads, causal}, kernels)) {}

at::Tensor Attention::operator()(const at::Tensor& q, const at::Tensor& k,
                                 const at::Tensor& v) const {
  const bool itself = q.size(1) == k.size(1);
  const runtime::Zone zone(itself ? "attention to itself" : "attention to the words", [&] {
    return 2 * q.numel() * k.size(1) + 2 * q.size(0) * q.size(1) * v.size(1) * v.size(2);
  });
  return (*kernel_)(q, k, v);
}

Geglu::Geglu(const weights::WeightView& view, int64_t in, int64_t out,
             const runtime::KernelPolicy& kernels)
    : weights_(2 * out * in) {
  const auto read = [&] { return view.get("weight", {2 * out, in}); };
  const auto make = [&](const at::Tensor& w) {
    return make_kernel(kernels::geglu_entries(), kernels::GegluSpec{w, view.get("bias", {2 * out})},
                       kernels);
  };
  at::Tensor weight;
  kernel_ = shared_kernel<kernels::GegluKernel>(view, kernels, read, make, &weight);
  pages_.emplace(weight, kernels);
}

at::Tensor Geglu::operator()(const at::Tensor& x) const {
  const runtime::Zone zone("linear", [&] { return linear_flop(x, weights_); });
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

}  // namespace sd::nn
