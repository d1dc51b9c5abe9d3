#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"

namespace sd::cuda::device {
namespace {

/// The values of what a step reads, made contiguous; null where it is left out.
class Values {
 public:
  Values(const at::Tensor& given, bool used, const at::Tensor& like) {
    if (!used) return;
    TORCH_CHECK(given.defined() && given.scalar_type() == at::kFloat &&
                    given.sizes() == like.sizes() && given.device() == like.device(),
                "expected float32 of the latent's shape and device in each term of a step");
    values_ = given.contiguous();
  }
  const float* data() const {
    return values_.defined() ? values_.const_data_ptr<float>() : nullptr;
  }

 private:
  at::Tensor values_;
};

class CudaSamplerStep final : public SamplerStepKernel {
 public:
  explicit CudaSamplerStep(const SamplerStepSpec& spec) : scales_(spec.scales) {}

  SamplerStepResult operator()(const StepCoefficients& step,
                               const SamplerStepInputs& inputs) const override {
    const at::Tensor eps = inputs.eps.contiguous();
    const bool guided = scales_.defined();
    const int64_t pictures = inputs.x.size(0);
    TORCH_CHECK(eps.scalar_type() == at::kFloat && eps.device() == inputs.x.device() &&
                    eps.numel() == (guided ? 2 : 1) * inputs.x.numel() &&
                    (!guided || scales_.numel() == pictures),
                "expected float32 for ", pictures, " pictures, found ", eps.sizes());
    const Values x(inputs.x, true, inputs.x);
    const Values noise(inputs.noise, step.next_noise != 0, inputs.x);
    const Values before(inputs.x0_before, step.next_slope != 0, inputs.x);
    std::vector<Values> older;
    for (int k = 0; k < kOlderEps; ++k) {
      older.emplace_back(inputs.older[k], step.older[k] != 0, inputs.x);
    }
    const auto fresh = [&] { return at::empty(inputs.x.sizes(), eps.options()); };
    SamplerStepResult result{guided ? fresh() : eps, fresh(), fresh()};
    if (result.x0.numel() == 0) return result;
    const c10::DeviceGuard guard(eps.device());
    launch_sampler_step({.step = step,
                         .eps = eps.const_data_ptr<float>(),
                         .scales = guided ? scales_.const_data_ptr<float>() : nullptr,
                         .x = x.data(),
                         .older = {older[0].data(), older[1].data(), older[2].data()},
                         .noise = noise.data(),
                         .x0_before = before.data(),
                         .guided = guided ? result.eps.mutable_data_ptr<float>() : nullptr,
                         .x0 = result.x0.mutable_data_ptr<float>(),
                         .next = result.next.mutable_data_ptr<float>(),
                         .count = result.x0.numel(),
                         .picture = result.x0.numel() / pictures},
                        c10::cuda::getCurrentCUDAStream(eps.device().index()).stream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
  }

 private:
  at::Tensor scales_;
};

}  // namespace

std::unique_ptr<const SamplerStepKernel> make_sampler_step(const SamplerStepSpec& spec) {
  if (spec.scales.defined() && !spec.scales.is_cuda()) return nullptr;
  return std::make_unique<CudaSamplerStep>(spec);
}

}  // namespace sd::cuda::device
