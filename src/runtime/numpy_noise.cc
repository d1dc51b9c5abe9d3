#include "runtime/numpy_noise.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <random>

#include "sd/error.h"

namespace sd::runtime {
namespace {

/// NumPy's legacy generator: mt19937, 53 bits a number in [0, 1), made normal in pairs by
/// Marsaglia's polar method ("A convenient method for generating normal variables", 1964).
class LegacyNumpy {
 public:
  explicit LegacyNumpy(uint32_t seed) : engine_(seed) {}

  double normal() {
    if (has_second_) {
      has_second_ = false;
      return second_;
    }
    double x = 0, y = 0, square = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = std::sqrt(-2 * std::log(square) / square);
    second_ = factor * x;
    has_second_ = true;
    return factor * y;
  }

 private:
  double uniform() {
    const auto high = static_cast<double>(engine_() >> 5);  // 27 bits
    const auto low = static_cast<double>(engine_() >> 6);   // 26 bits
    return (high * (1 << 26) + low) / static_cast<double>(int64_t{1} << 53);
  }

  std::mt19937 engine_;
  double second_ = 0;
  bool has_second_ = false;
};

uint32_t require_seed(uint64_t seed) {
  if (seed <= std::numeric_limits<uint32_t>::max()) return static_cast<uint32_t>(seed);
  throw Error(ErrorKind::kUsage, fmt::format("NumPy takes seeds below 2^32, found {}", seed),
              "give a smaller `seed`, or another `rng`");
}

}  // namespace

NumpyNoise::NumpyNoise(uint64_t seed) : seed_(require_seed(seed)), rest_(seed) {}

at::Tensor NumpyNoise::normal(at::IntArrayRef shape) {
  const uint64_t call = call_++;
  if (call > 0) {
    const int64_t values = c10::multiply_integers(shape);
    rest_.seek((call - 1) * draw_length(RngKind::kCuda, values));
    return rest_.normal(shape);
  }
  at::Tensor values = at::empty(shape, at::kFloat);
  float* out = values.data_ptr<float>();
  LegacyNumpy source(seed_);
  for (int64_t i = 0; i < values.numel(); ++i) out[i] = static_cast<float>(source.normal());
  return values;
}

}  // namespace sd::runtime
