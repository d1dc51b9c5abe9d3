#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda::device {
namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

class CudaGroupNorm final : public GroupNormKernel {
 public:
  explicit CudaGroupNorm(const GroupNormSpec& spec)
      : spec_(spec),
        weight_(spec.weight.to(at::kFloat).contiguous()),
        bias_(spec.bias.to(at::kFloat).contiguous()) {}

  at::Tensor operator()(const at::Tensor& input) const override {
    const at::Tensor x = input.contiguous(kLast);
    at::Tensor y = at::empty_like(x, x.options().memory_format(kLast));
    if (x.numel() > 0) run(x, &y);
    return y;
  }

  ChannelAffine affine(const at::Tensor& x) const override {
    return run(x.contiguous(kLast), nullptr);
  }

 private:
  ChannelAffine run(const at::Tensor& x, at::Tensor* y) const;

  GroupNormSpec spec_;
  at::Tensor weight_;  // f32
  at::Tensor bias_;    // f32
};

/// The three launches; two where y is null.
ChannelAffine CudaGroupNorm::run(const at::Tensor& x, at::Tensor* y) const {
  const c10::DeviceGuard guard(x.device());
  const auto stream = c10::cuda::getCurrentCUDAStream(x.device().index()).stream();
  const int64_t n = x.size(0), channels = x.size(1);
  const at::TensorOptions f32 = x.options().dtype(at::kFloat).memory_format(c10::nullopt);
  const at::Tensor values = at::empty({3, n, channels}, f32);
  const ChannelAffine affine{values[0], values[1], values[2], spec_.silu};
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "group_norm", [&] {
    if constexpr (std::is_same_v<scalar_t, double>) {
      TORCH_CHECK(false, "the group norm of a card is for half, bfloat16 and float32");
    } else {
      NormJob<scalar_t> job{};
      job.x = x.const_data_ptr<scalar_t>();
      job.y = y != nullptr ? y->mutable_data_ptr<scalar_t>() : nullptr;
      job.weight = weight_.const_data_ptr<float>();
      job.bias = bias_.const_data_ptr<float>();
      job.mean = affine.mean.mutable_data_ptr<float>();
      job.scale = affine.scale.mutable_data_ptr<float>();
      job.shift = affine.shift.mutable_data_ptr<float>();
      job.pixels = x.size(2) * x.size(3);
      job.channels = static_cast<int>(channels);
      job.groups = static_cast<int>(spec_.groups);
      job.eps = spec_.eps;
      job.silu = spec_.silu;
      constexpr int kWidth = kPackWidth<scalar_t>;
      const void* other = y != nullptr ? static_cast<const void*>(job.y) : job.x;
      const bool packs = channels % kWidth == 0 && is_aligned(job.x, other, 16);
      job.layout = norm_layout(job.channels, job.pixels, packs ? kWidth : 1);
      const at::Tensor parts = at::empty({n, job.layout.chunks, spec_.groups, 2}, f32);
      job.parts = parts.mutable_data_ptr<float>();
      launch_norm_affine(job, n, stream);
      if (y != nullptr) launch_norm_apply(job, n, stream);
    }
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return affine;
}

}  // namespace

std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec) {
  if (!spec.weight.is_cuda() || spec.weight.size(0) > kNormMostChannels) return nullptr;
  return std::make_unique<CudaGroupNorm>(spec);
}

}  // namespace sd::kernels::cuda::device
