#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"

namespace sd::cuda::device {
namespace {

class CudaGuidance final : public GuidanceKernel {
 public:
  explicit CudaGuidance(const GuidanceSpec& spec) : spec_(spec) {}

  at::Tensor operator()(const at::Tensor& given) const override {
    const at::Tensor eps = given.contiguous();
    const int64_t pictures = spec_.scales.numel();
    TORCH_CHECK(eps.scalar_type() == at::kFloat && eps.size(0) == 2 * pictures,
                "expected two halves of float32 for ", pictures, " pictures");
    std::vector<int64_t> shape = eps.sizes().vec();
    shape[0] = pictures;
    at::Tensor y = at::empty(shape, eps.options());
    if (y.numel() == 0) return y;
    const c10::DeviceGuard guard(eps.device());
    launch_guidance({.eps = eps.const_data_ptr<float>(),
                     .scales = spec_.scales.const_data_ptr<float>(),
                     .y = y.mutable_data_ptr<float>(),
                     .count = y.numel(),
                     .picture = y.numel() / pictures},
                    c10::cuda::getCurrentCUDAStream(eps.device().index()).stream());
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
  }

 private:
  GuidanceSpec spec_;
};

}  // namespace

std::unique_ptr<const GuidanceKernel> make_guidance(const GuidanceSpec& spec) {
  if (!spec.scales.is_cuda()) return nullptr;
  return std::make_unique<CudaGuidance>(spec);
}

}  // namespace sd::cuda::device
