#include "kernels/aten/aten_kernels.h"

#include <ATen/ATen.h>

#include "kernels/conv2d_input.h"

namespace sd::kernels::aten {
namespace {

class AtenConv2d final : public Conv2dKernel {
 public:
  explicit AtenConv2d(const Conv2dSpec& spec) : spec_(spec) {
    // cuDNN's kernels for channels_last would otherwise have it copied at each call.
    if (spec.weight.is_cuda()) {
      spec_.weight = spec.weight.contiguous(at::MemoryFormat::ChannelsLast);
    }
  }

  at::Tensor operator()(const Conv2dInputs& inputs) const override {
    const at::Tensor x = conv2d_input(inputs);
    at::Tensor bias = spec_.bias, channels = inputs.channels;
    if (x.is_cuda() && bias.defined() && channels.defined()) {
      // cuDNN adds a bias in a pass of its own: one pass for both.
      channels = channels + bias;
      bias = at::Tensor();
    }
    at::Tensor y = at::conv2d(x, spec_.weight, bias, spec_.stride, spec_.padding);
    if (channels.defined()) y.add_(channels.unsqueeze(-1).unsqueeze(-1));
    if (inputs.residual.defined()) y.add_(inputs.residual);
    return inputs.relu ? y.relu_() : y;
  }

 private:
  Conv2dSpec spec_;
};

class AtenLinear final : public LinearKernel {
 public:
  explicit AtenLinear(const LinearSpec& spec) : spec_(spec) {}

 private:
  at::Tensor compute(const at::Tensor& x, const at::Tensor& residual) const override {
    at::Tensor y = at::linear(x, spec_.weight, spec_.bias);
    return residual.defined() ? y.add_(residual) : y;
  }

  LinearSpec spec_;
};

class AtenGroupNorm final : public GroupNormKernel {
 public:
  explicit AtenGroupNorm(const GroupNormSpec& spec) : spec_(spec) {}

  at::Tensor operator()(const at::Tensor& x) const override {
    // ATen's kernel for channels_last takes the variance as E[x²] - E[x]² in float32, 20 times less
    // exact where the mean is not small; the one for contiguous tensors is Welford's.
    at::Tensor y = at::group_norm(x.contiguous(), spec_.groups, spec_.weight, spec_.bias, spec_.eps)
                       .contiguous(at::MemoryFormat::ChannelsLast);
    return spec_.silu ? at::silu_(y) : y;
  }

  ChannelAffine affine(const at::Tensor& x) const override {
    const int64_t n = x.size(0), channels = x.size(1);
    const auto normed = at::native_group_norm(x.contiguous(), spec_.weight, spec_.bias, n, channels,
                                              x.size(2) * x.size(3), spec_.groups, spec_.eps);
    const auto by_channel = [&](const at::Tensor& of_groups) {  // [N, groups] → [N, C]
      return of_groups.repeat_interleave(channels / spec_.groups, 1);
    };
    return {by_channel(std::get<1>(normed)), by_channel(std::get<2>(normed)) * spec_.weight,
            spec_.bias.expand({n, channels}).contiguous(), spec_.silu};
  }

 private:
  GroupNormSpec spec_;
};

class AtenAttention final : public AttentionKernel {
 public:
  explicit AtenAttention(const AttentionSpec& spec) : spec_(spec) {}

  at::Tensor operator()(const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v) const override {
    const at::Tensor mixed = at::scaled_dot_product_attention(
        heads_first(q, q.size(0)), heads_first(k, q.size(0)), heads_first(v, q.size(0)),
        /*attn_mask=*/{}, /*dropout_p=*/0.0, spec_.causal);  // [N, heads, T, d]
    return mixed.transpose(1, 2).reshape(q.sizes());
  }

 private:
  /// [N, T, heads*d] → [N, heads, T, d], a view.
  at::Tensor heads_first(const at::Tensor& x, int64_t batch) const {
    return x.unflatten(2, {spec_.heads, -1}).transpose(1, 2).expand({batch, -1, -1, -1});
  }

  AttentionSpec spec_;
};

class AtenGuide final : public GuideKernel {
 public:
  explicit AtenGuide(const GuideSpec& spec) {
    if (spec.scales.defined()) scale_ = spec.scales.reshape({-1, 1, 1, 1});
  }

  GuidedAnswer operator()(const GuideInputs& inputs) const override {
    const at::Tensor eps = guided(inputs.answer);
    return {eps, (inputs.x - inputs.sigma * eps) / inputs.alpha};
  }

 private:
  at::Tensor guided(const at::Tensor& answer) const {
    if (!scale_.defined()) return answer;
    const auto halves = answer.chunk(2);
    return halves[0] + scale_ * (halves[1] - halves[0]);
  }

  at::Tensor scale_;
};

class AtenMix final : public MixKernel {
 public:
  using MixKernel::operator();

  at::Tensor operator()(std::span<const MixTerm> terms, double divisor) const override {
    at::Tensor sum;
    for (const MixTerm& term : terms) {
      if (term.weight == 0) continue;
      // (A product of its own: at::add with a factor would round once, not twice.)
      sum = sum.defined() ? sum.add_(term.weight * term.x) : term.weight * term.x;
    }
    if (!sum.defined()) return zeros_like_any(terms);
    return divisor == 1 ? sum : sum.div_(divisor);
  }

 private:
  static at::Tensor zeros_like_any(std::span<const MixTerm> terms) {
    for (const MixTerm& term : terms) {
      if (term.x.defined()) return at::zeros_like(term.x);
    }
    TORCH_CHECK(false, "expected a tensor in a sum");
  }
};

class AtenGeglu final : public GegluKernel {
 public:
  explicit AtenGeglu(const GegluSpec& spec) : spec_(spec) {}

  at::Tensor operator()(const at::Tensor& x) const override {
    const auto halves = at::linear(x, spec_.weight, spec_.bias).chunk(2, -1);
    return at::gelu(halves[1]).mul_(halves[0]);
  }

 private:
  GegluSpec spec_;
};

}  // namespace

std::unique_ptr<const Conv2dKernel> make_conv2d(const Conv2dSpec& spec,
                                                const runtime::KernelPolicy&) {
  return std::make_unique<AtenConv2d>(spec);
}
std::unique_ptr<const LinearKernel> make_linear(const LinearSpec& spec,
                                                const runtime::KernelPolicy&) {
  return std::make_unique<AtenLinear>(spec);
}
std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec,
                                                       const runtime::KernelPolicy&) {
  return std::make_unique<AtenGroupNorm>(spec);
}
std::unique_ptr<const AttentionKernel> make_attention(const AttentionSpec& spec,
                                                      const runtime::KernelPolicy&) {
  return std::make_unique<AtenAttention>(spec);
}
std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec, const runtime::KernelPolicy&) {
  return std::make_unique<AtenGeglu>(spec);
}
std::unique_ptr<const GuideKernel> make_guide(const GuideSpec& spec, const runtime::KernelPolicy&) {
  return std::make_unique<AtenGuide>(spec);
}
std::unique_ptr<const MixKernel> make_mix(const MixSpec& /*spec*/, const runtime::KernelPolicy&) {
  return std::make_unique<AtenMix>();
}

}  // namespace sd::kernels::aten
