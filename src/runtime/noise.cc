#include "runtime/noise.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "runtime/mersenne_jump.h"
#include "runtime/numpy_noise.h"

namespace sd::runtime {
namespace {

using Words = std::array<uint32_t, 4>;

/// Philox4x32 with ten rounds, constants of Salmon et al., "Parallel random numbers: as easy as 1,
/// 2, 3" (SC 2011).
Words philox4x32_10(Words counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(product1),
        static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

/// cuRAND's Box-Muller: the sine first, then the cosine.
std::array<float, 2> box_muller(uint32_t word0, uint32_t word1) {
  constexpr float kScale = 2.3283064365386963e-10f;  // 2^-32
  constexpr float kTurn = kScale * 2.0f * std::numbers::pi_v<float>;
  const float u = std::fma(static_cast<float>(word0), kScale, kScale / 2);
  const float v = std::fma(static_cast<float>(word1), kTurn, kTurn / 2);
  const float radius = std::sqrt(-2.0f * std::log(u));
  return {radius * std::sin(v), radius * std::cos(v)};
}

}  // namespace

at::Tensor PhiloxNoise::normal(at::IntArrayRef shape) {
  at::Tensor values = at::empty(shape, at::kFloat);
  const int64_t count = values.numel();
  float* out = values.data_ptr<float>();
  const auto key0 = static_cast<uint32_t>(seed_);
  const auto key1 = static_cast<uint32_t>(seed_ >> 32);
  const auto words = [&](uint64_t call, int64_t thread) {
    return philox4x32_10({static_cast<uint32_t>(call), static_cast<uint32_t>(call >> 32),
                          static_cast<uint32_t>(thread), static_cast<uint32_t>(thread >> 32)},
                         key0, key1);
  };
  const int64_t threads = std::min(threads_, count);
  for (int64_t first = 0; first < count; first += 4 * threads) {
    for (int64_t i = 0; i < threads; ++i) {
      const Words random = words(offset_, i);
      const auto sine_cosine = box_muller(random[0], random[1]);
      const int64_t at = first + i;
      if (at < count) out[at] = sine_cosine[0];
      if (at + threads >= count) continue;
      out[at + threads] = sine_cosine[1];
      const auto second = box_muller(random[2], random[3]);
      if (at + 2 * threads < count) out[at + 2 * threads] = second[0];
      if (at + 3 * threads < count) out[at + 3 * threads] = second[1];
    }
    ++offset_;
  }
  return values;
}

at::Tensor NvNoise::normal(at::IntArrayRef shape) {
  // The factors are single, what is computed with them is double.
  constexpr double kScale = 2.3283064e-10F;
  constexpr double kTurn = static_cast<float>(2.3283064e-10 * 6.2831855);
  at::Tensor values = at::empty(shape, at::kFloat);
  float* out = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i) {
    const Words words =
        philox4x32_10({static_cast<uint32_t>(call_), 0, static_cast<uint32_t>(i), 0},
                      static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32));
    const double u = words[0] * kScale + kScale / 2, v = words[1] * kTurn + kTurn / 2;
    out[i] = static_cast<float>(std::sqrt(-2 * std::log(u)) * std::sin(v));
  }
  ++call_;
  return values;
}

TorchCpuNoise::TorchCpuNoise(uint64_t seed)
    : seed_(seed), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

at::Tensor TorchCpuNoise::normal(at::IntArrayRef shape) {
  at::Tensor values = at::randn(shape, generator_, at::TensorOptions().dtype(at::kFloat));
  position_ += draw_length(RngKind::kCpu, values.numel());
  return values;
}

namespace {

/// Goes on by so many outputs, one after the other.
void step(at::CPUGeneratorImpl* generator, uint64_t outputs) {
  for (uint64_t i = 0; i < outputs; ++i) generator->random();
}

/// From the state of a fresh seed to the one after so many outputs, in a time that does not grow
/// with them.
void jump(at::CPUGeneratorImpl* generator, uint64_t outputs) {
  at::mt19937 engine = generator->engine();
  at::mt19937_data_pod data = engine.data();
  const auto used = static_cast<uint32_t>(outputs % kTwisterWords);  // of the last block
  jump_ahead(&data.state_, outputs - used);
  if (used > 0) twist(&data.state_);
  data.next_ = used;
  data.left_ = used > 0 ? static_cast<int>(kTwisterWords - used + 1) : 1;
  engine.set_data(data);
  generator->set_engine(engine);
}

}  // namespace

void TorchCpuNoise::seek(uint64_t position) {
  constexpr uint64_t kWorthAJump = 30'000'000;
  auto* generator = at::get_generator_or_default<at::CPUGeneratorImpl>(generator_, generator_);
  const bool ahead = position >= position_;
  if (!ahead || position - position_ > kWorthAJump) generator_.set_current_seed(seed_);
  if (ahead && position - position_ <= kWorthAJump) {
    step(generator, position - position_);
  } else if (position <= kWorthAJump) {
    step(generator, position);
  } else {
    jump(generator, position);
  }
  position_ = position;
}

RowsOfNoise::RowsOfNoise(RngKind kind, const std::vector<uint64_t>& seeds) {
  for (const uint64_t seed : seeds) streams_.push_back(make_noise_source(kind, seed));
}

at::Tensor RowsOfNoise::normal(at::IntArrayRef shape) {
  TORCH_CHECK(shape[0] == static_cast<int64_t>(streams_.size()), "one row a stream");
  std::vector<int64_t> one_row = shape.vec();
  one_row[0] = 1;
  std::vector<at::Tensor> rows;
  for (const auto& stream : streams_) rows.push_back(stream->normal(one_row));
  return at::cat(rows);
}

void RowsOfNoise::seek(uint64_t position) {
  for (const auto& stream : streams_) stream->seek(position);
}

uint64_t draw_length(RngKind kind, int64_t values) {
  const auto count = static_cast<uint64_t>(values);
  if (kind == RngKind::kCpu) {
    // One output a value; the last sixteen again where the count is no multiple of sixteen.
    return count + (count % 16 == 0 ? 0 : 16);
  }
  if (kind == RngKind::kNv || kind == RngKind::kNumpy) return 1;
  constexpr uint64_t kOfACall = 4 * PhiloxNoise::kCudaThreads;
  // Fewer values than threads: one call, in which each thread makes one.
  return (count + kOfACall - 1) / kOfACall;
}

std::unique_ptr<NoiseSource> make_noise_source(RngKind kind, uint64_t seed) {
  if (kind == RngKind::kCpu) return std::make_unique<TorchCpuNoise>(seed);
  if (kind == RngKind::kNv) return std::make_unique<NvNoise>(seed);
  if (kind == RngKind::kNumpy) return std::make_unique<NumpyNoise>(seed);
  return std::make_unique<PhiloxNoise>(seed);
}

}  // namespace sd::runtime
