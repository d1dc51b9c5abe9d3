#pragma once

#include <ATen/ATen.h>

#include <string>

#include "runtime/host.h"
#include "runtime/kernel_policy.h"
#include "sd/options.h"

namespace sd::runtime {

/// Every decision about where and how to compute, made once.
struct ExecPolicy {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;      ///< of the text encoder and the UNet
  at::ScalarType vae_dtype = at::kFloat;  ///< of the autoencoder
  int threads = 1;
  KernelPolicy kernels;
  bool cuda_graphs = false;  ///< the UNet's call is recorded once a shape, and replayed
  /// Of the device's memory, before anything is loaded; INT64_MAX: not known.
  int64_t free_bytes = INT64_MAX;
  DeviceOptions chosen;  ///< the same in the words of the options
  std::string reason;    ///< one line for the user
};

/// Pure: the same options and host give the same policy. Throws kDevice for a device or precision
/// that the host does not have, kUsage for one that is misspelt.
ExecPolicy resolve(const DeviceOptions& asked, const HostInfo& host);

/// The variable of the environment that lets a card take cuDNN's attention, which is compiled for
/// each shape when it is first met, where LibTorch would choose it: set to anything.
inline constexpr const char* kCudnnAttention = "SD_CUDNN_ATTENTION";

/// Applies the policy's thread count to this process.
void apply_threads(const ExecPolicy& policy);

/// Sets LibTorch's switches for the policy's card; nothing on the CPU. Products of float32 are
/// float32's (no TF32). cuDNN chooses its algorithms by rule and not by trial, and only such as
/// give the same numbers in every run; its attention is left out unless `kCudnnAttention` is set.
void apply_device(const ExecPolicy& policy);

/// Lets this process keep as much memory for its next tensors as the policy grants; under plain
/// kernels none.
void apply_memory(const ExecPolicy& policy);

}  // namespace sd::runtime
