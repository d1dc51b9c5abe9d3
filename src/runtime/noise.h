#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sd/options.h"

namespace sd::runtime {

/// Where every random number of a run comes from: a stream of calls, each of which yields one
/// tensor of independent N(0, 1) values. Two sources with the same seed and the same sequence of
/// calls yield the same numbers on every machine and device.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;

  /// The next tensor of the stream: float32, on the CPU, contiguous.
  virtual at::Tensor normal(at::IntArrayRef shape) = 0;

  /// How far the stream has come, in units of its own; 0 at the start.
  virtual uint64_t position() const = 0;

  /// Goes to a position that the stream had, or will have, after some sequence of calls.
  virtual void seek(uint64_t position) = 0;
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
  uint64_t position() const override { return offset_; }
  void seek(uint64_t position) override { offset_ = position; }

 private:
  uint64_t seed_;
  int64_t threads_;
  uint64_t offset_ = 0;
};

/// What AUTOMATIC1111's web UI (v1.10.1, modules/rng_philox.py) calls NV: the same random words as
/// PhiloxNoise, made normal in double precision; value i of a call is thread i's, however many.
class NvNoise final : public NoiseSource {
 public:
  explicit NvNoise(uint64_t seed) : seed_(seed) {}
  at::Tensor normal(at::IntArrayRef shape) override;
  uint64_t position() const override { return call_; }  ///< calls so far
  void seek(uint64_t position) override { call_ = position; }

 private:
  uint64_t seed_;
  uint64_t call_ = 0;
};

/// The stream of torch's CPU generator (mt19937): `torch.randn(shape)` call after call.
class TorchCpuNoise final : public NoiseSource {
 public:
  /// torch draws smaller tensors in another way, which leaves a value over for the next call.
  static constexpr int64_t kLeastValues = 16;

  explicit TorchCpuNoise(uint64_t seed);
  at::Tensor normal(at::IntArrayRef shape) override;

  /// 32-bit outputs of the generator so far; exact while every tensor has kLeastValues or more.
  uint64_t position() const override { return position_; }
  void seek(uint64_t position) override;

 private:
  uint64_t seed_;
  at::Generator generator_;
  uint64_t position_ = 0;
};

/// Several streams side by side: row i of every tensor is the next tensor, of one row, of stream i.
class RowsOfNoise final : public NoiseSource {
 public:
  /// One stream a seed.
  RowsOfNoise(RngKind kind, const std::vector<uint64_t>& seeds);
  explicit RowsOfNoise(std::vector<std::unique_ptr<NoiseSource>> streams)
      : streams_(std::move(streams)) {}

  /// The shape's first number must be that of the streams.
  at::Tensor normal(at::IntArrayRef shape) override;

  uint64_t position() const override { return streams_.front()->position(); }
  void seek(uint64_t position) override;

 private:
  std::vector<std::unique_ptr<NoiseSource>> streams_;
};

/// How far a tensor of so many values takes a source's position.
uint64_t draw_length(RngKind kind, int64_t values);

std::unique_ptr<NoiseSource> make_noise_source(RngKind kind, uint64_t seed);

}  // namespace sd::runtime
