#include "sampling/brownian.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "runtime/noise.h"

namespace sd::sampling {
namespace {

constexpr size_t kPool = 24;
using Pool = std::array<uint32_t, kPool>;

/// Adds a number's 32-bit words, the low one first; 0 has one.
void add_words(uint64_t number, std::vector<uint32_t>* words) {
  do {
    words->push_back(static_cast<uint32_t>(number));
    number >>= 32;
  } while (number != 0);
}

class HashMix {
 public:
  uint32_t operator()(uint32_t value) {
    value ^= hash_;
    hash_ *= 0x931e8875U;
    value *= hash_;
    return value ^ value >> 16;
  }

 private:
  uint32_t hash_ = 0x43b0d7e5U;
};

uint32_t mix(uint32_t x, uint32_t y) {
  const uint32_t z = 0xca01f9ddU * x - 0x4973f715U * y;
  return z ^ z >> 16;
}

/// To six decimals, as Python's round: the decimal number that is nearest to the exact value.
double round_time(double t) { return std::strtod(fmt::format("{:.6f}", t).c_str(), nullptr); }

}  // namespace

uint32_t seed_sequence_word(uint64_t entropy, std::span<const uint64_t> spawn_key) {
  std::vector<uint32_t> words;
  add_words(entropy, &words);
  if (!spawn_key.empty()) words.resize(std::max(words.size(), kPool), 0);
  for (const uint64_t key : spawn_key) add_words(key, &words);
  Pool pool;
  HashMix hashmix;
  for (size_t i = 0; i < kPool; ++i) pool[i] = hashmix(i < words.size() ? words[i] : 0);
  for (size_t from = 0; from < kPool; ++from) {
    for (size_t to = 0; to < kPool; ++to) {
      if (from != to) pool[to] = mix(pool[to], hashmix(pool[from]));
    }
  }
  for (size_t i = kPool; i < words.size(); ++i) {
    for (uint32_t& value : pool) value = mix(value, hashmix(words[i]));
  }
  const uint32_t value = (pool[0] ^ 0x8b51f9ddU) * (0x8b51f9ddU * 0x58f38dedU);
  return value ^ value >> 16;
}

/// A piece of the path: what it adds, and its place in the tree.
struct BrownianTree::Node {
  double begin, end;
  at::Tensor increment;
  uint64_t key, depth;
};

BrownianTree::BrownianTree(RngKind rng, uint64_t entropy, std::vector<int64_t> shape, float begin,
                           float end)
    : rng_(rng),
      entropy_(entropy),
      shape_(std::move(shape)),
      begin_(round_time(begin)),
      end_(round_time(end)),
      whole_(noise(seed_sequence_word(entropy, {})) *
             static_cast<float>(std::sqrt(double{end} - double{begin}))) {}

at::Tensor BrownianTree::noise(uint32_t seed) const {
  return runtime::make_noise_source(rng_, seed)->normal(shape_);
}

at::Tensor BrownianTree::increment(float a, float b) const {
  const double from = round_time(std::clamp<double>(a, begin_, end_));
  const double to = round_time(std::clamp<double>(b, begin_, end_));
  at::Tensor sum = at::zeros(shape_, at::kFloat);
  if (from < to) collect({begin_, end_, whole_, 0, 0}, from, to, &sum);
  return sum;
}

/// Adds the pieces of [a, b], which lies in the node's, from left to right.
void BrownianTree::collect(const Node& node, double a, double b, at::Tensor* sum) const {
  if (a == node.begin && b == node.end) {
    sum->add_(node.increment);
    return;
  }
  const double middle = round_time(0.5 * (node.begin + node.end));
  const double left = middle - node.begin, right = node.end - middle;
  const double length = node.end - node.begin;
  const std::array<uint64_t, 2> place = {node.key, node.depth};
  const at::Tensor bridge = noise(seed_sequence_word(entropy_, place));
  const at::Tensor first =
      node.increment * static_cast<float>(left) * static_cast<float>(1 / length) +
      bridge * static_cast<float>(std::sqrt(left * right / length));
  if (a < middle) {
    collect({node.begin, middle, first, 2 * node.key, node.depth + 1}, a, std::min(b, middle), sum);
  }
  if (b > middle) {
    collect({middle, node.end, node.increment - first, 2 * node.key + 1, node.depth + 1},
            std::max(a, middle), b, sum);
  }
}

}  // namespace sd::sampling
