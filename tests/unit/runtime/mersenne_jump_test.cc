#include "runtime/mersenne_jump.h"

#include <gtest/gtest.h>

#include <random>

#include "runtime/noise.h"

namespace sd {
using namespace runtime;

namespace {

TwisterState some_state() {
  std::mt19937 numbers(7);
  TwisterState state;
  for (uint32_t& word : state) word = static_cast<uint32_t>(numbers());
  return state;
}

/// Without the 31 bits that are no part of the state.
TwisterState told_apart(TwisterState state) {
  state[0] &= 0x80000000U;
  return state;
}

TwisterState jumped(TwisterState state, uint64_t words) {
  jump_ahead(&state, words);
  return told_apart(state);
}

TEST(MersenneJump, GoesWhereSteppingGoes) {
  for (const uint64_t blocks : {1, 2, 3, 100, 12345}) {
    TwisterState stepped = some_state();
    for (uint64_t i = 0; i < blocks; ++i) twist(&stepped);
    EXPECT_EQ(jumped(some_state(), blocks * kTwisterWords), told_apart(stepped)) << blocks;
  }
  EXPECT_EQ(jumped(some_state(), 0), told_apart(some_state()));
}

TEST(MersenneJump, TwoJumpsAreOneAsFar) {
  constexpr uint64_t kFar = 0x9ABCDEF012345678U / 2, kNear = 0x123456789ABU;
  TwisterState state = some_state();
  jump_ahead(&state, kFar);
  EXPECT_EQ(jumped(state, kNear), jumped(some_state(), kFar + kNear));
}

TEST(TorchCpuNoise, SeeksFarAheadAsSteppingDoes) {
  // One place inside a block of 624 numbers, one at its border, both too far to step to.
  for (const uint64_t place : {uint64_t{31'000'001}, uint64_t{624} * 50'000}) {
    const auto jumping = make_noise_source(RngKind::kCpu, 3);
    jumping->seek(place);
    EXPECT_EQ(jumping->position(), place);
    const auto stepping = make_noise_source(RngKind::kCpu, 3);
    stepping->seek(place / 2);
    stepping->seek(place);
    EXPECT_TRUE(at::equal(jumping->normal({1000}), stepping->normal({1000}))) << place;
  }
}

}  // namespace
}  // namespace sd
