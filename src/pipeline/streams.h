#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/noise.h"
#include "sd/request.h"

namespace sd {

/// The streams of one seed, or of a batch whose rows have one each.
struct Streams {
  std::unique_ptr<NoiseSource> draws;
  /// Of the init image's latent, which torch draws on the CPU whatever the device.
  std::unique_ptr<NoiseSource> on_cpu;

  /// With --rng cpu one stream serves both.
  NoiseSource& posterior() const { return on_cpu ? *on_cpu : *draws; }
};

inline Streams shared_streams(RngKind rng, uint64_t seed) {
  return {make_noise_source(rng, seed),
          rng == RngKind::kCpu ? nullptr : make_noise_source(RngKind::kCpu, seed)};
}

inline Streams streams_of_rows(RngKind rng, const std::vector<uint64_t>& seeds) {
  return {std::make_unique<RowsOfNoise>(rng, seeds),
          rng == RngKind::kCpu ? nullptr : std::make_unique<RowsOfNoise>(RngKind::kCpu, seeds)};
}

}  // namespace sd
