#include "runtime/upload.h"

#include <ATen/ATen.h>

namespace sd {
namespace {

at::Tensor pinned(const at::Tensor& x) {
  try {
    return x.pin_memory();
  } catch (const c10::Error&) {
    return x;
  }
}

}  // namespace

at::Tensor uploaded(const at::Tensor& x, const at::Device& device) {
  return device.is_cuda() ? pinned(x).to(device, /*non_blocking=*/true) : x.to(device);
}

}  // namespace sd
