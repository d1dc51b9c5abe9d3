#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <vector>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda::device {
namespace {

const at::Tensor& first_defined(std::span<const MixTerm> terms) {
  for (const MixTerm& term : terms) {
    if (term.x.defined()) return term.x;
  }
  TORCH_CHECK(false, "expected a tensor in a sum");
}

class CudaMix final : public MixKernel {
 public:
  using MixKernel::operator();

  at::Tensor operator()(std::span<const MixTerm> terms, double divisor) const override {
    const at::Tensor& like = first_defined(terms);
    TORCH_CHECK(std::ssize(terms) <= kMixTerms, "expected at most ", kMixTerms, " terms");
    MixJob job{};
    std::vector<at::Tensor> kept;  // until the launch
    for (const MixTerm& term : terms) {
      if (term.weight == 0) continue;
      TORCH_CHECK(term.x.defined() && term.x.scalar_type() == at::kFloat &&
                      term.x.sizes() == like.sizes() && term.x.device() == like.device(),
                  "expected float32 of one shape and device in each term of a sum");
      kept.push_back(term.x.contiguous());
      job.weights[job.terms] = static_cast<float>(term.weight);
      job.x[job.terms++] = kept.back().const_data_ptr<float>();
    }
    at::Tensor y = at::empty(like.sizes(), like.options());
    if (y.numel() == 0) return y;
    job.divisor = static_cast<float>(divisor);
    job.y = y.mutable_data_ptr<float>();
    job.count = y.numel();
    const c10::DeviceGuard guard(like.device());
    launch_mix(job, c10::cuda::getCurrentCUDAStream(like.device().index()).stream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
  }
};

}  // namespace

std::unique_ptr<const MixKernel> make_mix(const MixSpec& /*spec*/) {
  return std::make_unique<CudaMix>();
}

}  // namespace sd::kernels::cuda::device
