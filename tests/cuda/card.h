#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "runtime/host.h"

namespace sd::test {

/// This machine, looked at once.
inline const runtime::HostInfo& host() {
  static const runtime::HostInfo found = runtime::probe_host(/*cards=*/true);
  return found;
}

/// A test that starts with it is skipped where no card can be used, and fails where one can but our
/// own library for it does not open.
#define SD_NEEDS_CARD()                                         \
  if (!::sd::test::host().why_no_cuda.empty()) {                \
    GTEST_SKIP() << "cuda: " << ::sd::test::host().why_no_cuda; \
  }                                                             \
  ASSERT_TRUE(::sd::test::host().cuda_kernels) << ::sd::test::host().why_no_cuda_kernels

inline const at::Device kCard(at::kCUDA, 0);

/// From a seed, the same on every machine.
inline at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::TensorOptions(at::kFloat));
}

/// The largest difference; infinite where one is not a number.
inline double difference(const at::Tensor& a, const at::Tensor& b) {
  const auto wide = [](const at::Tensor& x) { return x.to(at::kCPU).to(at::kDouble); };
  const double most = (wide(a) - wide(b)).abs().max().item<double>();
  return std::isnan(most) ? INFINITY : most;
}

}  // namespace sd::test
