#include <ATen/ATen.h>

#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"
#include "kernels/cuda/device/on_card.h"

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
    on_card(both, "GEGLU", [&](auto type, cudaStream_t stream) {
      using T = decltype(type);
      launch_geglu(GegluJob<T>{.x = both.const_data_ptr<T>(),
                               .y = y.mutable_data_ptr<T>(),
                               .rows = y.numel() / shape.back(),
                               .columns = shape.back()},
                   stream);
    });
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
