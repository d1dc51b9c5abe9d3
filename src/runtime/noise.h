#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sd/options.h"

namespace sd {

/// Where every random number of a run comes from: a stream of calls, each of which yields one
/// tensor of independent N(0, 1) values. Two sources with the same seed and the same sequence of
/// calls yield the same numbers on every machine and device.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;

  /// The next tensor of the stream: float32, on the CPU, contiguous.
  virtual at::Tensor normal(at::IntArrayRef shape) = 0;
};

/// The stream of torch's CUDA generator, computed in software: what `torch.randn(shape,
/// device="cuda")` yields call after call once the generator is seeded with `seed`.
///
/// Philox4x32-10 (Salmon et al. 2011) with counter (call, 0, thread, 0) and key (low, high half of
/// the seed); Box-Muller on the first two words. Up to `kCudaThreads` values a call, thread i makes
/// value i, on every card. Larger tensors are laid out as on a card with that many resident
/// threads: thread i makes the values i, i + T, i + 2T, i + 3T of each round.
class PhiloxNoise final : public NoiseSource {
 public:
  /// Resident threads of an A100 (108 multiprocessors x 2048).
  static constexpr int64_t kCudaThreads = 221184;

  explicit PhiloxNoise(uint64_t seed, int64_t threads = kCudaThreads)
      : seed_(seed), threads_(threads) {}
  at::Tensor normal(at::IntArrayRef shape) override;

  /// Calls so far (in units of four 32-bit draws a thread): the offset of CUDA's generator / 4.
  uint64_t offset() const { return offset_; }

 private:
  uint64_t seed_;
  int64_t threads_;
  uint64_t offset_ = 0;
};

/// The stream of torch's CPU generator (mt19937): `torch.randn(shape)` call after call.
class TorchCpuNoise final : public NoiseSource {
 public:
  explicit TorchCpuNoise(uint64_t seed);
  at::Tensor normal(at::IntArrayRef shape) override;

 private:
  at::Generator generator_;
};

std::unique_ptr<NoiseSource> make_noise_source(RngKind kind, uint64_t seed);

}  // namespace sd
