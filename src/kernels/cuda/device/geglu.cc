#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"

namespace sd::kernels::cuda::device {
namespace {

class CudaGeglu final : public GegluKernel {
 public:
  explicit CudaGeglu(const GegluSpec& spec) : spec_(spec) {}

  at::Tensor operator()(const at::Tensor& x) const override {
    const at::Tensor both = at::linear(x, spec_.weight, spec_.bias).contiguous();
    std::vector<int64_t> shape = both.sizes().vec();
    shape.back() /= 2;
    at::Tensor y = at::empty(shape, both.options());
    if (y.numel() == 0) return y;
    const c10::DeviceGuard guard(both.device());
    const auto stream = c10::cuda::getCurrentCUDAStream(both.device().index()).stream();
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, both.scalar_type(), "geglu", [&] {
      if constexpr (std::is_same_v<scalar_t, double>) {
        TORCH_CHECK(false, "the GEGLU of a card is for half, bfloat16 and float32");
      } else {
        launch_geglu(GegluJob<scalar_t>{.x = both.const_data_ptr<scalar_t>(),
                                        .y = y.mutable_data_ptr<scalar_t>(),
                                        .rows = y.numel() / shape.back(),
                                        .columns = shape.back()},
                     stream);
      }
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return y;
  }

 private:
  GegluSpec spec_;
};

}  // namespace

std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec) {
  if (!spec.weight.is_cuda()) return nullptr;
  return std::make_unique<CudaGeglu>(spec);
}

}  // namespace sd::kernels::cuda::device
