#include "runtime/upload.h"

#include <ATen/ATen.h>

namespace sd::runtime {
namespace {

at::Tensor pin(const at::Tensor& x) {
  try {
    return x.pin_memory();
  } catch (const c10::Error&) {
    return x;
  }
}

}  // namespace

at::Tensor upload(const at::Tensor& x, const at::Device& device) {
  return device.is_cuda() ? pin(x).to(device, /*non_blocking=*/true) : x.to(device);
}

}  // namespace sd::runtime
