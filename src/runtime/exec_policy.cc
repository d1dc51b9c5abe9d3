#include "runtime/exec_policy.h"

#include <ATen/Parallel.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/strings.h"
#include "runtime/tensor_memory.h"
#include "sd/error.h"

namespace sd {
namespace {

/// CPUs that cgroup v2's quota grants, rounded up; a large number where there is none.
int quota_cpus() {
  constexpr int kNoLimit = 1 << 20;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNoLimit;
  const double cpus = std::strtod(quota.c_str(), nullptr) / period;
  return cpus > 0 ? std::max(1, static_cast<int>(std::ceil(cpus))) : kNoLimit;
}

bool names_cuda(const std::string& device) {
  if (device == "cuda") return true;
  if (device.rfind("cuda:", 0) != 0 || device.size() == 5) return false;
  return std::all_of(device.begin() + 5, device.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The rows that the user lets us take of those that the processor can run.
KernelPolicy kernel_policy(const DeviceOptions& asked, Isa isa) {
  KernelPolicy policy{
      .plain = asked.kernels == KernelChoice::kAten, .isa = isa, .memory = asked.memory};
  const auto at_most = [&](Isa most) {
    if (isa < most) {
      throw Error(ErrorKind::kDevice,
                  std::string("--kernels ") + isa_name(most) +
                      " cannot be had: this processor has " + isa_name(isa),
                  "leave --kernels out to take what the processor has");
    }
    policy.isa = most;
  };
  if (asked.kernels == KernelChoice::kAvx2) at_most(Isa::kAvx2);
  if (asked.kernels == KernelChoice::kAvx512) at_most(Isa::kAvx512);
  return policy;
}

/// The choice that would give the same policy.
KernelChoice chosen_kernels(const KernelPolicy& policy) {
  if (policy.plain || policy.isa == Isa::kPortable) return KernelChoice::kAten;
  return policy.isa == Isa::kAvx2 ? KernelChoice::kAvx2 : KernelChoice::kAvx512;
}

}  // namespace

HostInfo probe_host() {
  HostInfo host;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) host.usable_cpus = CPU_COUNT(&mask);
  host.isa = probe_isa();
  host.usable_cpus = std::clamp(host.usable_cpus, 1, quota_cpus());
  return host;
}

ExecPolicy resolve(const DeviceOptions& asked, const HostInfo& host) {
  if (asked.device != "auto" && asked.device != "cpu" && !names_cuda(asked.device)) {
    throw Error(ErrorKind::kUsage,
                "--device takes auto, cpu, cuda or cuda:N, not '" + printable(asked.device) + "'",
                "leave it out to take the best device there is");
  }
  constexpr int kMostThreads = 4096;
  if (asked.threads < 0 || asked.threads > kMostThreads) {
    throw Error(ErrorKind::kUsage,
                format("--threads must be from 0 to %d, found %d", kMostThreads, asked.threads),
                "leave it out to use as many as the process may");
  }
  if (names_cuda(asked.device) && !host.cuda) {
    throw Error(ErrorKind::kDevice,
                "--device " + asked.device + " cannot be had: " + host.why_no_cuda,
                "use --device cpu, or leave --device out");
  }
  ExecPolicy policy;
  policy.threads = asked.threads > 0 ? asked.threads : host.usable_cpus;
  policy.kernels = kernel_policy(asked, host.isa);
  policy.chosen = asked;
  policy.chosen.device = "cpu";
  policy.chosen.threads = policy.threads;
  policy.chosen.kernels = chosen_kernels(policy.kernels);
  policy.reason = format("device: cpu, %d thread%s, %s, float32%s", policy.threads,
                         policy.threads == 1 ? "" : "s",
                         policy.kernels.plain ? "plain kernels" : isa_name(policy.kernels.isa),
                         asked.precision == Precision::kAutocast
                             ? " (on the CPU, --precision autocast computes as full does)"
                             : "");
  return policy;
}

void apply_threads(const ExecPolicy& policy) { at::set_num_threads(policy.threads); }

void apply_memory(const ExecPolicy& policy) {
  if (policy.kernels.plain) return;
  pool_tensor_memory(static_cast<size_t>(pool_limit(policy.kernels.memory)));
}

}  // namespace sd
