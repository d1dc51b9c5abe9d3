#include "kernels/shapes/shape_kernels.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace sd::kernels::shapes {
namespace {

using Entries = runtime::ShapeRun::Entries;
constexpr auto kLast = at::MemoryFormat::ChannelsLast;

at::Tensor like(const at::Tensor& x) {
  return at::empty(x.sizes(),
                   x.options().memory_format(x.dim() == 4 ? kLast : at::MemoryFormat::Contiguous));
}

/// A tensor like x with another last dimension.
at::Tensor with_width(const at::Tensor& x, int64_t width) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = width;
  return at::empty(shape, x.options());
}

class ShapeGroupNorm final : public GroupNormKernel {
 public:
  ShapeGroupNorm(const GroupNormSpec& spec, Entries entries) : spec_(spec), entries_(entries) {}

  at::Tensor operator()(const at::Tensor& input) const override {
    if (entries_ == Entries::kAten) {
      const at::Tensor x = like(input), y = like(input);  // rows first, and back again
      return like(input);
    }
    const at::Tensor y = like(input);
    affine(input);
    return y;
  }

  ChannelAffine affine(const at::Tensor& x) const override {
    const int64_t n = x.size(0), channels = x.size(1);
    if (entries_ == Entries::kAten) {
      const at::Tensor copy = like(x), normed = like(x);
      return of_channels(x);
    }
    constexpr int64_t kPixels = 1024;  // in one of CpuGroupNorm's pieces
    const at::Tensor parts =
        at::empty({n, (x.size(2) * x.size(3) + kPixels - 1) / kPixels, 2, channels},
                  x.options().dtype(at::kDouble));
    return of_channels(x);
  }

 private:
  ChannelAffine of_channels(const at::Tensor& x) const {
    const at::Tensor values = at::empty({3, x.size(0), x.size(1)}, x.options().dtype(at::kFloat));
    return {values[0], values[1], values[2], spec_.silu};
  }

  GroupNormSpec spec_;
  Entries entries_;
};

class ShapeConv2d final : public Conv2dKernel {
 public:
  ShapeConv2d(const Conv2dSpec& spec, Entries entries) : spec_(spec), entries_(entries) {}

  at::Tensor operator()(const Conv2dInputs& inputs) const override {
    const int64_t times = inputs.upsample ? 2 : 1;
    const at::Tensor& x = inputs.x;
    const at::Tensor& weight = spec_.weight;
    const auto side = [&](int64_t in) {
      return (times * in + 2 * spec_.padding - weight.size(2)) / spec_.stride + 1;
    };
    const std::vector<int64_t> shape = {x.size(0), weight.size(0), side(x.size(2)),
                                        side(x.size(3))};
    const auto result = [&] { return at::empty(shape, x.options().memory_format(kLast)); };
    const bool winograd = entries_ == Entries::kCpu && weight.size(2) == 3 && spec_.stride == 1 &&
                          spec_.padding == 1 && weight.size(1) >= 8;
    if (winograd) {
      const at::Tensor in = x.contiguous(kLast), y = result();
      if (inputs.norm != nullptr) inputs.norm->affine(in);
      return y;
    }
    at::Tensor in = inputs.norm != nullptr ? (*inputs.norm)(x) : x;
    in = in.contiguous(kLast);
    if (inputs.upsample) in = at::upsample_nearest2d(in, {2 * x.size(2), 2 * x.size(3)});
    return result();
  }

 private:
  Conv2dSpec spec_;
  Entries entries_;
};

class ShapeLinear final : public LinearKernel {
 public:
  explicit ShapeLinear(const LinearSpec& spec) : width_(spec.weight.size(0)) {}

 private:
  at::Tensor compute(const at::Tensor& x, const at::Tensor&) const override {
    return with_width(x, width_);
  }

  int64_t width_;
};

class ShapeGeglu final : public GegluKernel {
 public:
  ShapeGeglu(const GegluSpec& spec, bool fused) : width_(spec.weight.size(0) / 2), fused_(fused) {}

  at::Tensor operator()(const at::Tensor& x) const override {
    if (fused_) return with_width(x, width_);
    const at::Tensor both = with_width(x, 2 * width_);
    return with_width(x, width_);
  }

 private:
  int64_t width_;
  bool fused_;
};

/// None of the entries has a product of queries and keys in memory.
class ShapeAttention final : public AttentionKernel {
 public:
  at::Tensor operator()(const at::Tensor& q, const at::Tensor&, const at::Tensor&) const override {
    return at::empty(q.sizes(), q.options());
  }
};

/// As the entries of packed panels do: they keep a copy of the weight, or, where memory is low,
/// make one for each product.
bool packs(const at::Tensor& weight, const runtime::KernelPolicy& policy) {
  runtime::ShapeRun& run = *policy.shapes;
  if (run.entries != Entries::kCpu) return false;
  const auto bytes = static_cast<int64_t>(weight.nbytes()) / (policy.bf16 ? 2 : 1);
  if (policy.memory == MemoryMode::kLow) {
    run.scratch = std::max(run.scratch, bytes);
  } else {
    run.packed += bytes;
  }
  return true;
}

}  // namespace

std::unique_ptr<const Conv2dKernel> make_kernel(const Conv2dSpec& spec,
                                                const runtime::KernelPolicy& policy) {
  return std::make_unique<ShapeConv2d>(spec, policy.shapes->entries);
}

std::unique_ptr<const LinearKernel> make_kernel(const LinearSpec& spec,
                                                const runtime::KernelPolicy& policy) {
  packs(spec.weight, policy);
  return std::make_unique<ShapeLinear>(spec);
}

std::unique_ptr<const GroupNormKernel> make_kernel(const GroupNormSpec& spec,
                                                   const runtime::KernelPolicy& policy) {
  return std::make_unique<ShapeGroupNorm>(spec, policy.shapes->entries);
}

std::unique_ptr<const AttentionKernel> make_kernel(const AttentionSpec&,
                                                   const runtime::KernelPolicy&) {
  return std::make_unique<ShapeAttention>();
}

std::unique_ptr<const GegluKernel> make_kernel(const GegluSpec& spec,
                                               const runtime::KernelPolicy& policy) {
  return std::make_unique<ShapeGeglu>(spec, packs(spec.weight, policy));
}

}  // namespace sd::kernels::shapes
