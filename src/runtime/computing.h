#pragma once

#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>

namespace sd::runtime {

/// Until its end this thread computes on that device: nothing is kept for gradients, and the device
/// is the thread's current one, by which LibTorch chooses kernels where it does not ask the
/// tensors.
class Computing {
 public:
  explicit Computing(const c10::Device& device) : on_(device) {}

 private:
  c10::InferenceMode inference_;
  c10::DeviceGuard on_;
};

}  // namespace sd::runtime
