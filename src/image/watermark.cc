#include "image/watermark.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sd/error.h"

namespace sd::image {
namespace {

// The order of the floating-point operations below is the package's, and results are truncated to
// 8 bits at the end, so a last-bit difference shows: no contraction to fused multiply-adds, here or
// in the compiler's flags for this file.

constexpr double kRootHalf = 0.7071067811865476;
constexpr double kScale = 36.0;
constexpr int kBlock = 4;  // coefficients; 8 pixels

// ---- colour: OpenCV's fixed point, 14 bits after the point -------------------------------------

constexpr int kHalfUnit = 1 << 13;
constexpr int kChromaZero = 128;

int descale(int value) { return (value + kHalfUnit) >> 14; }
uint8_t clip8(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

std::array<uint8_t, 3> to_yuv(const uint8_t* rgb) {
  const int r = rgb[0], g = rgb[1], b = rgb[2];
  const int y = descale(1868 * b + 9617 * g + 4899 * r);
  const int u = descale(8061 * (b - y) + (kChromaZero << 14));
  const int v = descale(14369 * (r - y) + (kChromaZero << 14));
  return {clip8(y), clip8(u), clip8(v)};
}

void from_yuv(const std::array<uint8_t, 3>& yuv, uint8_t* rgb) {
  const int y = yuv[0];
  const int u = yuv[1] - kChromaZero;
  const int v = yuv[2] - kChromaZero;
  rgb[0] = clip8(y + descale(18678 * v));
  rgb[1] = clip8(y + descale(-6472 * u - 9519 * v));
  rgb[2] = clip8(y + descale(33292 * u));
}

// ---- one level of the two-dimensional Haar transform of U

/// Coefficients of the picture's largest part with sides divisible by 4.
struct Haar {
  int rows = 0, columns = 0;         // half the pixels of that part
  std::vector<double> low;           // [rows, columns] low in both directions
  std::vector<double> down, across;  // details down the columns, and along the rows
  std::vector<double> both;

  size_t index(int i, int j) const {
    return static_cast<size_t>(i) * static_cast<size_t>(columns) + static_cast<size_t>(j);
  }
};

struct LowHigh {
  double low, high;
};

LowHigh analyse(double first, double second) {
  return {kRootHalf * second + kRootHalf * first, -kRootHalf * second + kRootHalf * first};
}

struct Pair {
  double first, second;
};

Pair synthesise(double low, double high) {
  return {kRootHalf * low + kRootHalf * high, kRootHalf * low - kRootHalf * high};
}

Haar transform(const Image& image) {
  Haar haar;
  haar.rows = image.height / 4 * 2;
  haar.columns = image.width / 4 * 2;
  const size_t size = static_cast<size_t>(haar.rows) * static_cast<size_t>(haar.columns);
  for (auto* plane : {&haar.low, &haar.down, &haar.across, &haar.both}) plane->resize(size);
  const auto u_at = [&](int x, int y) { return static_cast<double>(to_yuv(image.at(x, y))[1]); };
  for (int i = 0; i < haar.rows; ++i) {
    for (int j = 0; j < haar.columns; ++j) {
      const LowHigh left = analyse(u_at(2 * j, 2 * i), u_at(2 * j, 2 * i + 1));
      const LowHigh right = analyse(u_at(2 * j + 1, 2 * i), u_at(2 * j + 1, 2 * i + 1));
      const LowHigh lows = analyse(left.low, right.low);
      const LowHigh highs = analyse(left.high, right.high);
      const size_t at = haar.index(i, j);
      haar.low[at] = lows.low;
      haar.across[at] = lows.high;
      haar.down[at] = highs.low;
      haar.both[at] = highs.high;
    }
  }
  return haar;
}

/// A coefficient as numpy's cast to uint8 takes it: cut toward zero, modulo 256.
uint8_t wrap8(double value) { return static_cast<uint8_t>(static_cast<int>(value)); }

/// The 2x2 pixels of U from coefficient (i, j). The package hands the two directions' details back
/// in the wrong places; that is part of the format.
std::array<uint8_t, 4> inverse(const Haar& haar, int i, int j) {
  const size_t at = haar.index(i, j);
  const Pair lows = synthesise(haar.low[at], haar.down[at]);
  const Pair highs = synthesise(haar.across[at], haar.both[at]);
  const Pair left = synthesise(lows.first, highs.first);
  const Pair right = synthesise(lows.second, highs.second);
  return {wrap8(left.first), wrap8(right.first), wrap8(left.second), wrap8(right.second)};
}

/// The coefficient that carries a block's bit: the largest but for the block's first, the earliest
/// of equals.
double& carrier(Haar& haar, int block_row, int block_column) {
  double* best = nullptr;
  for (int k = 1; k < kBlock * kBlock; ++k) {
    double& value =
        haar.low[haar.index(block_row * kBlock + k / kBlock, block_column * kBlock + k % kBlock)];
    if (best == nullptr || std::abs(value) > std::abs(*best)) best = &value;
  }
  return *best;
}

/// numpy's floor_divide of a value that is not negative.
double floor_divide(double value, double by) {
  const double quotient = (value - std::fmod(value, by)) / by;
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

bool bit_of(std::string_view message, size_t bit) {
  return ((static_cast<unsigned char>(message[bit / 8]) >> (7 - bit % 8)) & 1) != 0;
}

void put_bits(Haar& haar, std::string_view message) {
  size_t n = 0;
  for (int i = 0; i < haar.rows / kBlock; ++i) {
    for (int j = 0; j < haar.columns / kBlock; ++j, ++n) {
      double& value = carrier(haar, i, j);
      const double bit = bit_of(message, n % (message.size() * 8)) ? 1.0 : 0.0;
      const double size = (floor_divide(std::abs(value), kScale) + 0.25 + 0.5 * bit) * kScale;
      value = value >= 0.0 ? size : -size;
    }
  }
}

/// U from the coefficients where there are any, and the whole picture through YUV and back.
void rebuild(Image& image, const Haar& haar) {
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::array<uint8_t, 3> yuv = to_yuv(image.at(x, y));
      if (y / 2 < haar.rows && x / 2 < haar.columns) {
        yuv[1] = inverse(haar, y / 2, x / 2)[static_cast<size_t>(y % 2 * 2 + x % 2)];
      }
      from_yuv(yuv, image.at(x, y));
    }
  }
}

/// P(at least `matching` heads of `bits` throws of a fair coin), summed from the smallest term.
double binomial_tail(int matching, int bits) {
  double sum = 0.0;
  for (int k = bits; k >= matching; --k) {
    const double log_ways =
        std::lgamma(bits + 1.0) - std::lgamma(k + 1.0) - std::lgamma(bits - k + 1.0);
    sum += std::exp(log_ways - bits * std::log(2.0));
  }
  return std::min(sum, 1.0);
}

}  // namespace

size_t watermark_capacity(const Image& image) {
  if (image.pixels() < kMinWatermarkPixels) return 0;
  const int rows = image.height / 4 * 2, columns = image.width / 4 * 2;
  return static_cast<size_t>(rows / kBlock) * static_cast<size_t>(columns / kBlock);
}

bool embed_watermark(Image& image, std::string_view message) {
  if (message.empty()) throw Error(ErrorKind::kUsage, "a watermark needs at least one byte");
  if (image.pixels() < kMinWatermarkPixels) return false;
  Haar haar = transform(image);
  put_bits(haar, message);
  rebuild(image, haar);
  return true;
}

WatermarkReading decode_watermark(const Image& image, size_t length) {
  if (length == 0 || length > kMaxWatermarkBytes) {
    throw Error(ErrorKind::kUsage,
                fmt::format("a watermark has 1 to {} bytes, not {}", kMaxWatermarkBytes, length));
  }
  if (image.pixels() < kMinWatermarkPixels) {
    throw Error(ErrorKind::kFile,
                fmt::format("a picture of {}x{} pixels carries no watermark: it takes {} pixels",
                            image.width, image.height, kMinWatermarkPixels));
  }
  Haar haar = transform(image);
  std::vector<size_t> ones(length * 8), blocks(length * 8);
  size_t n = 0;
  for (int i = 0; i < haar.rows / kBlock; ++i) {
    for (int j = 0; j < haar.columns / kBlock; ++j, ++n) {
      const double value = std::abs(carrier(haar, i, j));
      if (std::fmod(value, kScale) > 0.5 * kScale) ++ones[n % ones.size()];
      ++blocks[n % ones.size()];
    }
  }
  WatermarkReading reading{std::string(length, '\0'), std::vector<double>(length * 8)};
  for (size_t bit = 0; bit < ones.size(); ++bit) {
    if (blocks[bit] == 0) continue;
    reading.scores[bit] = static_cast<double>(ones[bit]) / static_cast<double>(blocks[bit]);
    if (reading.scores[bit] * 255 > 127) {
      char& byte = reading.bytes[bit / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | (0x80U >> (bit % 8)));
    }
  }
  return reading;
}

WatermarkMatch watermark_match(const WatermarkReading& reading, std::string_view expected) {
  WatermarkMatch match;
  match.bits = static_cast<int>(expected.size() * 8);
  const size_t shared = std::min(reading.bytes.size(), expected.size()) * 8;
  for (size_t bit = 0; bit < shared; ++bit) {
    if (bit_of(reading.bytes, bit) == bit_of(expected, bit)) ++match.matching;
  }
  match.chance = binomial_tail(match.matching, match.bits);
  return match;
}

WatermarkMatch watermark_match(const Image& image, std::string_view expected) {
  return watermark_match(decode_watermark(image, expected.size()), expected);
}

}  // namespace sd::image
