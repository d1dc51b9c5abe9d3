#pragma once

#include <ATen/ATen.h>

#include <string>

#include "runtime/kernel_policy.h"
#include "sd/options.h"

namespace sd {

/// What the machine has. Made by `probe_host`, or by a test.
struct HostInfo {
  int usable_cpus = 1;  ///< of the affinity mask, limited by the cgroup's quota
  Isa isa = Isa::kPortable;
  bool cuda = false;
  std::string why_no_cuda = "this build has no CUDA support";
};

/// Every decision about where and how to compute, made once.
struct ExecPolicy {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;      ///< of the text encoder and the UNet
  at::ScalarType vae_dtype = at::kFloat;  ///< of the autoencoder
  int threads = 1;
  KernelPolicy kernels;
  DeviceOptions chosen;  ///< the same in the words of the options
  std::string reason;    ///< one line for the user
};

HostInfo probe_host();

/// Pure: the same options and host give the same policy. Throws kDevice for a device that the host
/// does not have, kUsage for one that is misspelt.
ExecPolicy resolve(const DeviceOptions& asked, const HostInfo& host);

/// Applies the policy's thread count to this process.
void apply_threads(const ExecPolicy& policy);

/// Lets this process keep as much memory for its next tensors as the policy grants; under plain
/// kernels none.
void apply_memory(const ExecPolicy& policy);

}  // namespace sd
