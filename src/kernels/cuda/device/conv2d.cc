#include <ATen/ATen.h>

#include "kernels/conv2d_input.h"
#include "kernels/cuda/device/kernels.h"
#include "kernels/cuda/device/launch.h"
#include "kernels/cuda/device/on_card.h"

namespace sd::kernels::cuda::device {
namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

template <class T>
const T* data_of(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<T>() : nullptr;
}

/// The convolution by ATen (cuDNN) without its bias; all that is added to it in one pass.
class CudaConv2d final : public Conv2dKernel {
 public:
  explicit CudaConv2d(const Conv2dSpec& spec) : spec_(spec) {
    spec_.weight = spec.weight.contiguous(kLast);  // as cuDNN takes it
    if (spec.bias.defined()) spec_.bias = spec.bias.contiguous();
  }

  at::Tensor operator()(const Conv2dInputs& inputs) const override {
    at::Tensor y = at::conv2d(conv2d_input(inputs), spec_.weight, {}, spec_.stride, spec_.padding)
                       .contiguous(kLast);
    at::Tensor added, residual;
    if (inputs.channels.defined()) added = inputs.channels.contiguous();
    if (inputs.residual.defined()) residual = inputs.residual.contiguous(kLast);
    check(y, added, residual);
    const bool anything =
        spec_.bias.defined() || added.defined() || residual.defined() || inputs.relu;
    if (anything && y.numel() > 0) finish(y, added, residual, inputs.relu);
    return y;
  }

 private:
  static void check(const at::Tensor& y, const at::Tensor& added, const at::Tensor& residual) {
    const auto same_kind = [&](const at::Tensor& x) {
      return x.scalar_type() == y.scalar_type() && x.device() == y.device();
    };
    TORCH_CHECK(
        !added.defined() || (same_kind(added) && added.dim() == 2 && added.size(1) == y.size(1) &&
                             (added.size(0) == 1 || added.size(0) == y.size(0))),
        "expected [1 or ", y.size(0), ", ", y.size(1), "] to add to channels");
    TORCH_CHECK(!residual.defined() || (same_kind(residual) && residual.sizes() == y.sizes()),
                "expected a residual of ", y.sizes());
  }

  void finish(at::Tensor& y, const at::Tensor& added, const at::Tensor& residual, bool relu) const {
    on_card(y, "convolution", [&](auto type, cudaStream_t stream) {
      using T = decltype(type);
      launch_conv_tail(ConvTailJob<T>{.y = y.mutable_data_ptr<T>(),
                                      .bias = data_of<T>(spec_.bias),
                                      .added = data_of<T>(added),
                                      .residual = data_of<T>(residual),
                                      .pictures = y.size(0),
                                      .pixels = y.size(2) * y.size(3),
                                      .channels = y.size(1),
                                      .added_rows = added.defined() ? added.size(0) : 1,
                                      .relu = relu},
                       stream);
    });
  }

  Conv2dSpec spec_;
};

}  // namespace

std::unique_ptr<const Conv2dKernel> make_conv2d(const Conv2dSpec& spec) {
  if (!spec.weight.is_cuda()) return nullptr;
  return std::make_unique<CudaConv2d>(spec);
}

}  // namespace sd::kernels::cuda::device
