#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sd/options.h"

namespace sd {

/// What AUTOMATIC1111's web UI may do to the noise of a picture with a stream of its own.
struct NoiseChanges {
  double variation_strength = 0;  ///< how far the first noise goes towards the variation's
  int from_width = 0;             ///< size, in pixels, whose noise is put into the middle; 0: none
  int from_height = 0;
  uint64_t seed_delta = 0;  ///< not 0: draws after the first come from a stream of seed + this

  bool any() const { return *this != NoiseChanges(); }
  bool operator==(const NoiseChanges&) const = default;
};

/// Where all random numbers of a batch lie: with the other settings, all that it takes to draw it,
/// or one of its pictures, at any time and place.
struct NoisePlace {
  RngKind rng = RngKind::kCuda;
  /// One a picture, which then has a stream of its own; or the one of the stream that they share.
  std::vector<uint64_t> seeds = {42};
  /// Rows of every tensor of a shared stream, at least one a picture; 0: each has its own.
  int64_t rows = 1;
  uint64_t start = 0;  ///< where in the stream the noise lies that sampling starts from
  uint64_t steps = 0;  ///< where the noise of the steps begins, in a shared stream
  /// Where in torch's CPU stream of the seed the init image's latent lies.
  std::optional<uint64_t> init = {};
  /// The seed of that stream, where pictures with streams of their own share it; else it is theirs.
  std::optional<uint64_t> init_seed = {};
  /// Whose CPU stream gives the noise of pictures that are encoded between two passes; absent: the
  /// last picture's.
  std::optional<uint64_t> second_seed = {};
  bool fixed_code = false;  ///< whether other batches of the run start from the same noise
  std::vector<uint64_t> variation_seeds = {};  ///< one a picture where there is a variation
  NoiseChanges changes = {};                   ///< of streams of their own

  bool shared() const { return rows > 0; }
  bool operator==(const NoisePlace&) const = default;
};

}  // namespace sd
