#include "runtime/mersenne_jump.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace sd::runtime {
namespace {

constexpr size_t kMiddle = 397;
constexpr size_t kDegree = 19937;

/// The word that follows 624 others, of which these are the first, the second and the 398th.
uint32_t next_word(uint32_t first, uint32_t second, uint32_t middle) {
  const uint32_t mixed = (first & 0x80000000U) | (second & 0x7FFFFFFFU);
  return middle ^ (mixed >> 1) ^ ((mixed & 1U) != 0 ? 0x9908B0DFU : 0U);
}

/// A polynomial over GF(2): bit i is the coefficient of x^i.
class Polynomial {
 public:
  explicit Polynomial(size_t bits) : words_((bits + 63) / 64) {}

  bool bit(size_t i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void flip(size_t i) { words_[i / 64] ^= uint64_t{1} << (i % 64); }
  size_t words() const { return words_.size(); }
  uint64_t word(size_t i) const { return words_[i]; }

  /// Adds other·x^shift; what lies beyond the highest word is left out.
  void add(const Polynomial& other, size_t shift) {
    const size_t whole = shift / 64, part = shift % 64;
    const size_t count = std::min(other.words(), words() - std::min(whole, words()));
    for (size_t i = 0; i < count; ++i) words_[i + whole] ^= other.word(i) << part;
    if (part == 0) return;
    for (size_t i = 0; i < count && i + whole + 1 < words(); ++i) {
      words_[i + whole + 1] ^= other.word(i) >> (64 - part);
    }
  }

  void shift_up() {
    for (size_t i = words_.size(); i-- > 1;) words_[i] = words_[i] << 1 | words_[i - 1] >> 63;
    words_[0] <<= 1;
  }

 private:
  std::vector<uint64_t> words_;
};

/// The lowest bits of the sequence's words, from some state that is not 0.
std::vector<bool> sequence_bits(size_t count) {
  TwisterState state = {};
  state[1] = 1;
  std::vector<bool> bits;
  while (bits.size() < count) {
    twist(&state);
    for (const uint32_t word : state) bits.push_back((word & 1U) != 0);
  }
  return bits;
}

/// The minimal polynomial of the step, by Berlekamp and Massey's algorithm from twice as many bits
/// as its degree: each `window` holds the latest bit at x^0, the one before it at x^1.
Polynomial minimal_polynomial() {
  const std::vector<bool> bits = sequence_bits(2 * kDegree);
  constexpr size_t kSize = 2 * kDegree + 64;
  Polynomial connection(kSize), before(kSize), window(kSize);
  connection.flip(0);
  before.flip(0);
  size_t length = 0, since = 1;
  for (size_t n = 0; n < bits.size(); ++n, ++since) {
    window.shift_up();
    if (bits[n]) window.flip(0);
    uint64_t sum = 0;
    for (size_t i = 0; i <= length / 64; ++i) sum ^= connection.word(i) & window.word(i);
    if (std::popcount(sum) % 2 == 0) continue;
    const Polynomial old = connection;
    connection.add(before, since);
    if (2 * length > n) continue;
    length = n + 1 - length;
    before = old;
    since = 0;
  }
  Polynomial minimal(kDegree + 1);  // the connection polynomial backwards
  for (size_t i = 0; i <= kDegree; ++i) {
    if (connection.bit(i)) minimal.flip(kDegree - i);
  }
  return minimal;
}

/// x^n modulo the minimal polynomial.
class PowersOfX {
 public:
  PowersOfX() : modulus_(minimal_polynomial()) {}

  Polynomial operator()(uint64_t n) const {
    Polynomial power(kDegree + 1);
    power.flip(0);
    for (int i = 63 - std::countl_zero(n); i >= 0; --i) {
      power = square(power);
      if ((n >> i & 1) == 0) continue;
      power.shift_up();
      if (power.bit(kDegree)) power.add(modulus_, 0);
    }
    return power;
  }

 private:
  Polynomial square(const Polynomial& of) const {
    Polynomial square(2 * kDegree + 64);
    for (size_t i = 0; i < kDegree; ++i) {
      if (of.bit(i)) square.flip(2 * i);
    }
    for (size_t i = 2 * kDegree - 2; i >= kDegree; --i) {
      if (square.bit(i)) square.add(modulus_, i - kDegree);
    }
    Polynomial reduced(kDegree + 1);
    reduced.add(square, 0);
    return reduced;
  }

  Polynomial modulus_;
};

/// A window of 624 words that moves along the sequence.
class Window {
 public:
  void step() {
    uint32_t& first = words_[begin_];
    first = next_word(first, at(1), at(kMiddle));
    begin_ = (begin_ + 1) % kTwisterWords;
  }
  void add(const TwisterState& state) {
    for (size_t i = 0; i < kTwisterWords; ++i) words_[(begin_ + i) % kTwisterWords] ^= state[i];
  }
  TwisterState state() const {
    TwisterState result;
    for (size_t i = 0; i < kTwisterWords; ++i) result[i] = at(i);
    return result;
  }

 private:
  uint32_t at(size_t i) const { return words_[(begin_ + i) % kTwisterWords]; }

  TwisterState words_ = {};
  size_t begin_ = 0;
};

}  // namespace

void twist(TwisterState* state) {
  TwisterState& words = *state;
  for (size_t i = 0; i < kTwisterWords; ++i) {
    words[i] =
        next_word(words[i], words[(i + 1) % kTwisterWords], words[(i + kMiddle) % kTwisterWords]);
  }
}

void jump_ahead(TwisterState* state, uint64_t words) {
  static const PowersOfX power_of_x;
  const Polynomial power = power_of_x(words);
  Window window;
  for (size_t i = kDegree; i-- > 0;) {  // Horner's rule
    window.step();
    if (power.bit(i)) window.add(*state);
  }
  *state = window.state();
}

}  // namespace sd::runtime
