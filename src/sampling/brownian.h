#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "sd/options.h"

namespace sd::sampling {

/// The first word that numpy's SeedSequence(entropy, spawn_key=…, pool_size=24) generates (M.
/// O'Neill's seed_seq_fe, as numpy documents it).
uint32_t seed_sequence_word(uint64_t entropy, std::span<const uint64_t> spawn_key);

/// A Brownian path that gives the same increments whatever is asked before, as torchsde 0.2.6's
/// BrownianTree: between its ends it is halved again and again, by Brownian bridges whose noise
/// hangs on the place in the tree.
class BrownianTree {
 public:
  /// From `begin` to `end`, begin < end, both single precision; the noise is that of `rng`, of
  /// `shape`.
  BrownianTree(RngKind rng, uint64_t entropy, std::vector<int64_t> shape, float begin, float end);

  /// What the path adds from a to b, a <= b. Outside its ends it adds nothing. f32 of the shape.
  at::Tensor increment(float a, float b) const;

 private:
  struct Node;
  void collect(const Node& node, double a, double b, at::Tensor* sum) const;
  at::Tensor noise(uint32_t seed) const;

  RngKind rng_;
  uint64_t entropy_;
  std::vector<int64_t> shape_;
  double begin_, end_;  // to six decimals
  at::Tensor whole_;    // the increment from begin to end
};

}  // namespace sd::sampling
