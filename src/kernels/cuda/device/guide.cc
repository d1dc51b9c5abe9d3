#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda::device {
namespace {

class CudaGuide final : public GuideKernel {
 public:
  explicit CudaGuide(const GuideSpec& spec) : scales_(spec.scales) {}

  GuidedAnswer operator()(const GuideInputs& inputs) const override {
    const at::Tensor answer = inputs.answer.contiguous();
    const at::Tensor x = inputs.x.contiguous();
    const bool guided = scales_.defined();
    check(answer, x);
    GuidedAnswer result{guided ? at::empty_like(x) : answer, at::empty_like(x)};
    if (x.numel() == 0) return result;
    const c10::DeviceGuard guard(x.device());
    launch_guide({.answer = answer.const_data_ptr<float>(),
                  .scales = guided ? scales_.const_data_ptr<float>() : nullptr,
                  .x = x.const_data_ptr<float>(),
                  .alpha = static_cast<float>(inputs.alpha),
                  .sigma = static_cast<float>(inputs.sigma),
                  .eps = guided ? result.eps.mutable_data_ptr<float>() : nullptr,
                  .x0 = result.x0.mutable_data_ptr<float>(),
                  .count = x.numel(),
                  .picture = x.numel() / x.size(0)},
                 c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return result;
  }

 private:
  void check(const at::Tensor& answer, const at::Tensor& x) const {
    const bool guided = scales_.defined();
    TORCH_CHECK(answer.scalar_type() == at::kFloat && x.scalar_type() == at::kFloat &&
                    answer.device() == x.device() &&
                    answer.numel() == (guided ? 2 : 1) * x.numel() &&
                    (!guided || scales_.numel() == x.size(0)),
                "expected float32 for ", x.size(0), " pictures, found ", answer.sizes());
  }

  at::Tensor scales_;
};

}  // namespace

std::unique_ptr<const GuideKernel> make_guide(const GuideSpec& spec) {
  if (spec.scales.defined() && !spec.scales.is_cuda()) return nullptr;
  return std::make_unique<CudaGuide>(spec);
}

}  // namespace sd::kernels::cuda::device
