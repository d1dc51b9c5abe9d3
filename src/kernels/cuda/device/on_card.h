#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

namespace sd::kernels::cuda::device {

/// Calls work(T(), stream) with the type of x's values, on x's card and its current stream, and
/// checks what was launched. Throws for other types than the three that `what` is for.
template <class Work>
void on_card(const at::Tensor& x, const char* what, const Work& work) {
  const c10::DeviceGuard guard(x.device());
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream(x.device().index()).stream();
  switch (x.scalar_type()) {
    case at::kHalf:
      work(c10::Half(), stream);
      break;
    case at::kBFloat16:
      work(c10::BFloat16(), stream);
      break;
    case at::kFloat:
      work(float(), stream);
      break;
    default:
      TORCH_CHECK(false, "the ", what, " of a card is for half, bfloat16 and float32");
  }
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace sd::kernels::cuda::device
