#include "runtime/exec_policy.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sd {
using namespace runtime;

namespace {

HostInfo with_cards(std::vector<CudaDevice> cards) {
  HostInfo host{.usable_cpus = 8, .isa = Isa::kAvx512Bf16};
  host.cuda = std::move(cards);
  host.cuda_kernels = true;
  return host;
}

CudaDevice card(const std::string& name, int major, int minor) {
  return {name, major, minor, uint64_t{24} << 30, uint64_t{23} << 30};
}

HostInfo without_cards(Isa isa = Isa::kAvx512Bf16) {
  HostInfo host{.usable_cpus = 3, .isa = isa};
  host.why_no_cuda = "no driver";
  return host;
}

DeviceOptions asking(const std::string& device, Precision precision = Precision::kAutocast) {
  DeviceOptions asked;
  asked.device = device;
  asked.precision = precision;
  return asked;
}

TEST(Resolve, TakesTheFirstCardWhereItCanBeUsed) {
  const HostInfo host = with_cards({card("RTX 4090", 8, 9), card("H100", 9, 0)});
  for (const auto& [word, index] : {std::pair("auto", 0), std::pair("cuda", 0),
                                    std::pair("cuda:0", 0), std::pair("cuda:1", 1)}) {
    const ExecPolicy policy = resolve(asking(word), host);
    EXPECT_EQ(policy.device, at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index))) << word;
    EXPECT_EQ(policy.kernels.device, DeviceKind::kCuda);
    EXPECT_EQ(policy.chosen.device, "cuda:" + std::to_string(index));
    EXPECT_NE(policy.reason.find(index == 0 ? "RTX 4090" : "H100"), std::string::npos);
  }
  EXPECT_TRUE(resolve(asking("cpu"), host).device.is_cpu());
}

TEST(Resolve, AutoStaysOnTheCpuWhereNoCardCanBeUsed) {
  EXPECT_TRUE(resolve(asking("auto"), without_cards()).device.is_cpu());
  const ExecPolicy old = resolve(asking("auto"), with_cards({card("GTX 1080", 6, 1)}));
  EXPECT_TRUE(old.device.is_cpu());
  EXPECT_NE(old.reason.find("GTX 1080"), std::string::npos) << old.reason;
  HostInfo host = with_cards({card("H100", 9, 0)});
  host.why_no_cuda = "libtorch_cuda.so is not installed";
  const ExecPolicy unused = resolve(asking("auto"), host);
  EXPECT_TRUE(unused.device.is_cpu());
  EXPECT_NE(unused.reason.find("libtorch_cuda.so"), std::string::npos) << unused.reason;
}

TEST(Resolve, SaysWhyACardCannotBeHad) {
  test::expect_error(ErrorKind::kDevice, "no driver",
                     [] { resolve(asking("cuda"), without_cards()); });
  test::expect_error(ErrorKind::kDevice, "there is one GPU, cuda:0",
                     [] { resolve(asking("cuda:1"), with_cards({card("T4", 7, 5)})); });
  test::expect_error(ErrorKind::kDevice, "compute capability 7.0",
                     [] { resolve(asking("cuda"), with_cards({card("V100", 7, 0)})); });
}

TEST(Resolve, RefusesWordsThatNameNoDevice) {
  for (const char* word : {"", "gpu", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda:128",
                           "cuda:99999999999", "cuda 1", "CPU"}) {
    test::expect_error(ErrorKind::kUsage, "`device` takes",
                       [&] { resolve(asking(word), with_cards({card("T4", 7, 5)})); });
  }
}

TEST(Resolve, PrecisionOnACard) {
  const HostInfo host = with_cards({card("A100", 8, 0)});
  const ExecPolicy half = resolve(asking("cuda"), host);
  EXPECT_EQ(half.dtype, at::kHalf);
  EXPECT_EQ(half.vae_dtype, at::kHalf);
  const ExecPolicy full = resolve(asking("cuda", Precision::kFull), host);
  EXPECT_EQ(full.dtype, at::kFloat);
  EXPECT_EQ(full.vae_dtype, at::kFloat);
  const ExecPolicy bf16 = resolve(asking("cuda", Precision::kBf16), host);
  EXPECT_EQ(bf16.dtype, at::kBFloat16);
  EXPECT_FALSE(bf16.kernels.bf16);  // the CPU's
  test::expect_error(ErrorKind::kDevice, "bfloat16 needs 8.0", [] {
    resolve(asking("cuda", Precision::kBf16), with_cards({card("T4", 7, 5)}));
  });
}

TEST(Resolve, PrecisionOnTheCpu) {
  for (const Precision precision : {Precision::kAutocast, Precision::kFull, Precision::kBf16}) {
    const ExecPolicy policy = resolve(asking("cpu", precision), without_cards());
    EXPECT_EQ(policy.dtype, at::kFloat);
    EXPECT_EQ(policy.vae_dtype, at::kFloat);
    EXPECT_EQ(policy.kernels.bf16, precision == Precision::kBf16);
    EXPECT_EQ(policy.chosen.precision, precision);
  }
  test::expect_error(ErrorKind::kDevice, "this processor has avx512, not avx512-bf16",
                     [] { resolve(asking("cpu", Precision::kBf16), without_cards(Isa::kAvx512)); });
  // The fastest is what there is.
  const auto fastest_on = [](Isa isa) {
    return resolve(asking("cpu", Precision::kFastest), without_cards(isa)).chosen.precision;
  };
  EXPECT_EQ(fastest_on(Isa::kAvx512Bf16), Precision::kBf16);
  EXPECT_EQ(fastest_on(Isa::kAvx512), Precision::kAutocast);
  const auto fastest_card = [](int major) {
    return resolve(asking("cuda", Precision::kFastest), with_cards({card("a card", major, 5)}));
  };
  EXPECT_EQ(fastest_card(8).dtype, at::kBFloat16);
  EXPECT_EQ(fastest_card(7).dtype, at::kHalf);
  DeviceOptions plain = asking("cpu", Precision::kBf16);
  plain.kernels = KernelChoice::kAten;
  test::expect_error(ErrorKind::kDevice, "`kernels`", [&] { resolve(plain, without_cards()); });
}

TEST(Resolve, WhatWasChosenChoosesTheSameAgain) {
  const HostInfo host = with_cards({card("A100", 8, 0)});
  for (const char* device : {"auto", "cpu", "cuda"}) {
    for (const Precision precision : {Precision::kAutocast, Precision::kFull, Precision::kBf16}) {
      const ExecPolicy once = resolve(asking(device, precision), host);
      const ExecPolicy twice = resolve(once.chosen, host);
      EXPECT_EQ(twice.device, once.device);
      EXPECT_EQ(twice.chosen.kernels, once.chosen.kernels);
      EXPECT_EQ(twice.dtype, once.dtype);
      EXPECT_EQ(twice.kernels.bf16, once.kernels.bf16);
      EXPECT_EQ(twice.cuda_graphs, once.cuda_graphs);
    }
  }
}

TEST(Resolve, GraphsAreForOurOwnLibrary) {
  HostInfo host = with_cards({card("A100", 8, 0)});
  EXPECT_TRUE(resolve(asking("cuda"), host).cuda_graphs);
  DeviceOptions plain = asking("cuda");
  plain.kernels = KernelChoice::kAten;
  EXPECT_FALSE(resolve(plain, host).cuda_graphs);
  host.cuda_kernels = false;
  host.why_no_cuda_kernels = "libsd_cuda.so was not built";
  const ExecPolicy policy = resolve(asking("cuda"), host);
  EXPECT_FALSE(policy.cuda_graphs);
  EXPECT_NE(policy.reason.find("libsd_cuda.so was not built"), std::string::npos);
}

TEST(Resolve, ThreadsAreThoseOfTheHostOrAsAsked) {
  EXPECT_EQ(resolve(asking("cpu"), without_cards()).threads, 3);
  DeviceOptions asked = asking("cpu");
  asked.threads = 7;
  EXPECT_EQ(resolve(asked, without_cards()).chosen.threads, 7);
  asked.threads = -1;
  test::expect_error(ErrorKind::kUsage, "`threads`", [&] { resolve(asked, without_cards()); });
}

TEST(Resolve, HeedsOpenMpsNumberOfThreads) {
  HostInfo host = without_cards();
  host.omp_threads = 1;
  EXPECT_EQ(resolve({}, host).threads, 1);
  host.omp_threads = 6;  // more than there are CPUs: the user's word
  EXPECT_EQ(resolve({}, host).threads, 6);
  host.omp_threads = 1 << 30;
  EXPECT_EQ(resolve({}, host).threads, 4096);
  DeviceOptions asked;
  asked.threads = 2;
  EXPECT_EQ(resolve(asked, host).threads, 2);
}

TEST(ProbeHost, FindsThisMachine) {
  const HostInfo host = probe_host(/*cards=*/false);
  EXPECT_GE(host.usable_cpus, 1);
  EXPECT_GT(host.total_bytes, uint64_t{1} << 28);
  EXPECT_GT(host.free_bytes, 0U);
  EXPECT_LE(host.free_bytes, host.total_bytes);
  EXPECT_TRUE(host.cuda.empty());
}

}  // namespace
}  // namespace sd
