#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sd/options.h"

namespace sd {

/// What AUTOMATIC1111's web UI may do to the noise of a picture with its own stream.
struct NoiseChanges {
  double variation_strength = 0;  ///< how far the first noise goes towards the variation's
  int from_width = 0;             ///< size, in pixels, whose noise is put into the middle; 0: none
  int from_height = 0;
  uint64_t seed_delta = 0;  ///< not 0: noise after the first comes from the stream of seed + this

  bool any() const { return *this != NoiseChanges(); }
  bool operator==(const NoiseChanges&) const = default;
};

/// The place of all random numbers of a batch: together with the other settings it is all that is
/// needed to draw it, or one of its pictures, at any time and on any machine.
struct NoisePlace {
  RngKind rng = RngKind::kCuda;
  /// One per picture, which then has its own stream; or one, of the stream that they share.
  std::vector<uint64_t> seeds = {42};
  /// Rows of every tensor of a shared stream, at least one per picture; 0: each has its own.
  int64_t rows = 1;
  uint64_t start = 0;  ///< the place in the stream of the noise that sampling starts from
  uint64_t steps = 0;  ///< the place of the noise of the steps, in a shared stream
  /// The place of the init image's latent in torch's CPU stream of the seed.
  std::optional<uint64_t> init = {};
  /// The seed of that stream, if pictures with their own streams share it; else it is theirs.
  std::optional<uint64_t> init_seed = {};
  /// Whose CPU stream gives the noise of pictures that are encoded between two passes; absent: the
  /// last picture's.
  std::optional<uint64_t> second_seed = {};
  bool fixed_code = false;  ///< whether other batches of the run start from the same noise
  std::vector<uint64_t> variation_seeds = {};  ///< one per picture if there is a variation
  NoiseChanges changes = {};                   ///< of their own streams

  bool shared() const { return rows > 0; }
  bool operator==(const NoisePlace&) const = default;
};

}  // namespace sd
