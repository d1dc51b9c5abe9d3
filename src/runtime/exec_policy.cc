#include "runtime/exec_policy.h"

#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/environment.h"
#include "base/strings.h"
#include "runtime/openmp.h"
#include "runtime/tensor_memory.h"
#include "sd/error.h"

namespace sd::runtime {
namespace {

/// N of "cuda:N", 0 of "cuda"; nothing for any other word.
std::optional<size_t> cuda_index(const std::string& device) {
  if (device == "cuda") return 0;
  if (device.rfind("cuda:", 0) != 0) return std::nullopt;
  const char* begin = device.data() + 5;
  const char* end = device.data() + device.size();
  int8_t index = 0;  // LibTorch counts devices in eight bits
  const auto [stopped, error] = std::from_chars(begin, end, index);
  if (begin == end || stopped != end || error != std::errc() || index < 0) return std::nullopt;
  return static_cast<size_t>(index);
}

/// The rows that the user lets us take of those that the processor can run.
KernelPolicy kernel_policy(const DeviceOptions& asked, Isa isa) {
  KernelPolicy policy{
      .plain = asked.kernels == KernelChoice::kAten, .isa = isa, .memory = asked.memory};
  const auto at_most = [&](Isa most) {
    if (isa < most) {
      throw Error(ErrorKind::kDevice,
                  std::string("`kernels` ") + isa_name(most) +
                      " cannot be used: this processor has " + isa_name(isa),
                  "leave `kernels` out to take what the processor has");
    }
    policy.isa = most;
  };
  if (asked.kernels == KernelChoice::kAvx2) at_most(Isa::kAvx2);
  if (asked.kernels == KernelChoice::kAvx512) at_most(Isa::kAvx512);
  return policy;
}

/// The choice that would give the same policy.
KernelChoice chosen_kernels(const KernelPolicy& policy) {
  if (policy.plain) return KernelChoice::kAten;
  if (policy.device == DeviceKind::kCuda || policy.bf16) return KernelChoice::kAuto;
  if (policy.isa == Isa::kPortable) return KernelChoice::kAten;
  return policy.isa == Isa::kAvx2 ? KernelChoice::kAvx2 : KernelChoice::kAvx512;
}

/// Why LibTorch cannot use the card; empty where it can.
std::string why_not(const HostInfo& host, size_t index) {
  if (!host.why_no_cuda.empty()) return host.why_no_cuda;
  if (index >= host.cuda.size()) {
    return host.cuda.size() == 1 ? "there is one GPU, cuda:0"
                                 : fmt::format("there are {} GPUs, cuda:0 to cuda:{}",
                                               host.cuda.size(), host.cuda.size() - 1);
  }
  const CudaDevice& device = host.cuda[index];
  if (device.major > 7 || (device.major == 7 && device.minor >= 5)) return "";
  return fmt::format("{} has compute capability {}.{}, and LibTorch needs 7.5 or more",
                     printable(device.name), device.major, device.minor);
}

/// The card's number where the options get one.
std::optional<size_t> choose_card(const DeviceOptions& asked, const HostInfo& host) {
  if (asked.device == "cpu") return std::nullopt;
  if (asked.device == "auto") {
    const bool usable = !host.cuda.empty() && why_not(host, 0).empty();
    return usable ? std::optional<size_t>(0) : std::nullopt;
  }
  const auto index = cuda_index(asked.device);
  if (!index) {
    throw Error(ErrorKind::kUsage,
                "`device` takes auto, cpu, cuda or cuda:N, not '" + printable(asked.device) + "'",
                "leave it out to use the best device");
  }
  const std::string problem = why_not(host, *index);
  if (!problem.empty()) {
    throw Error(ErrorKind::kDevice, "`device` " + asked.device + " cannot be used: " + problem,
                "use `device` cpu, or leave `device` out; sd devices lists the devices");
  }
  return index;
}

/// Why there are no products of bfloat16; empty where there are.
std::string why_no_bf16(const DeviceOptions& asked, const HostInfo& host,
                        std::optional<size_t> card) {
  if (card) {
    const CudaDevice& device = host.cuda[*card];
    if (device.major >= 8) return "";
    return fmt::format("{} has compute capability {}.{}, and bfloat16 needs 8.0",
                       printable(device.name), device.major, device.minor);
  }
  if (host.isa < Isa::kAvx512Bf16) {
    return std::string("this processor has ") + isa_name(host.isa) + ", not avx512-bf16";
  }
  if (asked.kernels != KernelChoice::kAuto) {
    return "`kernels` excludes the kernels that compute in it";
  }
  return "";
}

/// The precision that is computed in: of kFastest, what there is.
Precision choose_precision(const DeviceOptions& asked, const HostInfo& host,
                           std::optional<size_t> card) {
  const std::string problem = why_no_bf16(asked, host, card);
  if (asked.precision == Precision::kFastest) {
    return problem.empty() ? Precision::kBf16 : Precision::kAutocast;
  }
  if (asked.precision == Precision::kBf16 && !problem.empty()) {
    throw Error(ErrorKind::kDevice, "`precision` bf16 cannot be used: " + problem,
                "leave `precision` out to use what the device supports");
  }
  return asked.precision;
}

/// A host's number, which is 0 where it is not known.
int64_t known_bytes(uint64_t bytes) {
  return bytes == 0 ? INT64_MAX : static_cast<int64_t>(std::min<uint64_t>(bytes, INT64_MAX));
}

void set_cpu(const HostInfo& host, ExecPolicy* policy) {
  policy->free_bytes = known_bytes(host.free_bytes);
  const DeviceOptions& asked = policy->chosen;
  policy->kernels.bf16 = asked.precision == Precision::kBf16;
  const char* arithmetic = policy->kernels.bf16 ? "bfloat16 products" : "float32";
  if (asked.precision == Precision::kAutocast) {
    arithmetic = "float32 (on the CPU, `precision` autocast computes as full does)";
  }
  policy->reason = fmt::format(
      "device: cpu, {} thread{}, {}, {}", policy->threads, policy->threads == 1 ? "" : "s",
      policy->kernels.plain ? "plain kernels" : isa_name(policy->kernels.isa), arithmetic);
  // A card that is there and stays idle is worth a word.
  if (asked.device == "auto" && !host.cuda.empty()) {
    policy->reason += "; not on " + printable(host.cuda[0].name) + ": " + why_not(host, 0);
  }
  policy->chosen.device = "cpu";
}

void set_cuda(const HostInfo& host, size_t index, ExecPolicy* policy) {
  const CudaDevice& card = host.cuda[index];
  policy->free_bytes = known_bytes(card.free_bytes);
  const Precision precision = policy->chosen.precision;
  const char* arithmetic = "float32";
  if (precision == Precision::kAutocast) {
    policy->dtype = policy->vae_dtype = at::kHalf;
    arithmetic = "half precision";
  } else if (precision == Precision::kBf16) {
    policy->dtype = policy->vae_dtype = at::kBFloat16;
    arithmetic = "bfloat16";
  }
  policy->device = at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
  policy->kernels.device = DeviceKind::kCuda;
  const bool own = !policy->kernels.plain && host.cuda_kernels;
  policy->cuda_graphs = own;
  policy->chosen.device = fmt::format("cuda:{}", index);
  policy->reason =
      fmt::format("device: cuda:{} ({}, {}), {}, {}", index, printable(card.name),
                  human_bytes(card.total_bytes), own ? "own kernels" : "plain kernels", arithmetic);
  if (!policy->kernels.plain && !own && !host.why_no_cuda_kernels.empty()) {
    policy->reason += " (" + host.why_no_cuda_kernels + ")";
  }
}

}  // namespace

ExecPolicy resolve(const DeviceOptions& asked, const HostInfo& host) {
  const auto card = choose_card(asked, host);
  constexpr int kMostThreads = 4096;
  if (asked.threads < 0 || asked.threads > kMostThreads) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("`threads` must be from 0 to {}, found {}", kMostThreads, asked.threads),
        "leave it out to use as many as the process may");
  }
  ExecPolicy policy;
  policy.chosen = asked;
  policy.chosen.precision = choose_precision(asked, host, card);
  policy.threads =
      asked.threads > 0 ? asked.threads : std::min(default_threads(host), kMostThreads);
  policy.chosen.threads = policy.threads;
  policy.kernels = kernel_policy(asked, host.isa);
  if (card) {
    set_cuda(host, *card, &policy);
  } else {
    set_cpu(host, &policy);
  }
  policy.chosen.kernels = chosen_kernels(policy.kernels);
  return policy;
}

void apply_threads(const ExecPolicy& policy) {
  require_threads(policy.threads);
  at::set_num_threads(policy.threads);
}

void apply_device(const ExecPolicy& policy) {
  if (!policy.device.is_cuda()) return;
  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(false);
  context.setAllowTF32CuDNN(false);
  context.setBenchmarkCuDNN(false);
  context.setDeterministicCuDNN(true);
  context.setSDPUseCuDNN(!variable(kCudnnAttention).empty());
}

void apply_memory(const ExecPolicy& policy) {
  if (policy.kernels.plain) return;
  pool_tensor_memory(static_cast<size_t>(pool_limit(policy.kernels.memory)));
}

}  // namespace sd::runtime
