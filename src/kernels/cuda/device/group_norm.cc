#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"
#include "kernels/cuda/device/on_card.h"

namespace sd::kernels::cuda::device {
namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

int multiprocessors_of(const at::Device& card) {
  int count = 0;
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, card.index()));
  return count;
}

class CudaGroupNorm final : public GroupNormKernel {
 public:
  explicit CudaGroupNorm(const GroupNormSpec& spec)
      : spec_(spec),
        weight_(spec.weight.to(at::kFloat).contiguous()),
        bias_(spec.bias.to(at::kFloat).contiguous()),
        multiprocessors_(multiprocessors_of(spec.weight.device())) {}

  at::Tensor operator()(const at::Tensor& input) const override {
    const at::Tensor x = input.contiguous(kLast);
    at::Tensor y = at::empty_like(x, x.options().memory_format(kLast));
    if (x.numel() > 0) run(x, &y, nullptr);
    return y;
  }

  ChannelAffine affine(const at::Tensor& input) const override {
    const at::Tensor x = input.contiguous(kLast);
    const at::Tensor values = at::empty({3, x.size(0), x.size(1)}, float_options(x));
    ChannelAffine affine{values[0], values[1], values[2], spec_.silu};
    run(x, nullptr, &affine);
    return affine;
  }

 private:
  static at::TensorOptions float_options(const at::Tensor& x) {
    return x.options().dtype(at::kFloat).memory_format(c10::nullopt);
  }
  template <class T>
  NormJob<T> job_of(const at::Tensor& x, at::Tensor* y, ChannelAffine* affine) const;
  void run(const at::Tensor& x, at::Tensor* y, ChannelAffine* affine) const;

  GroupNormSpec spec_;
  at::Tensor weight_;  // f32
  at::Tensor bias_;    // f32
  int multiprocessors_;
};

template <class T>
NormJob<T> CudaGroupNorm::job_of(const at::Tensor& x, at::Tensor* y, ChannelAffine* affine) const {
  NormJob<T> job{};
  job.x = x.const_data_ptr<T>();
  if (y != nullptr) job.y = y->mutable_data_ptr<T>();
  if (affine != nullptr) {
    job.mean = affine->mean.mutable_data_ptr<float>();
    job.scale = affine->scale.mutable_data_ptr<float>();
    job.shift = affine->shift.mutable_data_ptr<float>();
  }
  job.weight = weight_.const_data_ptr<float>();
  job.bias = bias_.const_data_ptr<float>();
  job.pixels = x.size(2) * x.size(3);
  job.channels = static_cast<int>(x.size(1));
  job.groups = static_cast<int>(spec_.groups);
  job.eps = static_cast<float>(spec_.eps);
  job.silu = spec_.silu;
  job.one_over_count = pair_of(1.0 / static_cast<double>(job.pixels * job.width()));
  constexpr int kWidth = kPackWidth<T>;
  const void* other = y != nullptr ? static_cast<const void*>(job.y) : job.x;
  const bool packs = job.channels % kWidth == 0 && is_aligned(job.x, other, 16);
  job.layout = norm_layout({job.channels, job.groups, job.pixels, x.size(0)}, packs ? kWidth : 1,
                           multiprocessors_);
  return job;
}

/// Fills y, or where that is null the affine, in two launches.
void CudaGroupNorm::run(const at::Tensor& x, at::Tensor* y, ChannelAffine* affine) const {
  on_card(x, "group norm", [&](auto type, cudaStream_t stream) {
    using T = decltype(type);
    NormJob<T> job = job_of<T>(x, y, affine);
    const at::Tensor parts =
        at::empty({x.size(0), job.layout.chunks, spec_.groups, 2}, float_options(x));
    job.parts = parts.mutable_data_ptr<float>();
    if (y != nullptr) {
      launch_norm(job, x.size(0), stream);
    } else {
      launch_norm_affine(job, x.size(0), stream);
    }
  });
}

}  // namespace

std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec) {
  if (!spec.weight.is_cuda() || spec.weight.size(0) > kNormMostChannels ||
      spec.groups > kNormMostGroups) {
    return nullptr;
  }
  return std::make_unique<CudaGroupNorm>(spec);
}

}  // namespace sd::kernels::cuda::device
