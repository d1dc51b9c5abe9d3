#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sd/lora.h"

namespace sd {

/// What makes a picture larger between the two passes: interpolation of its latent, or of its
/// pixels
/// (`none`: one Lanczos step), which are then encoded.
enum class HiresUpscaler {
  kLatent,  ///< bilinear
  kLatentAntialiased,
  kLatentBicubic,
  kLatentBicubicAntialiased,
  kLatentNearest,
  kLatentNearestExact,
  kLanczos,
  kNearest,
  kNone,
};

/// A second pass over a larger picture, like the web UI's hires fix. At most one of scale and sides
/// is given; if only one side is given, the other follows; with both, the picture is cropped.
struct HiresSettings {
  double scale = 0;   ///< how many times as large; 0: no second pass, unless a side is given
  int64_t width = 0;  ///< in pixels; 0: follows
  int64_t height = 0;
  int64_t steps = 0;       ///< 0: as many as the first pass
  double strength = 0.75;  ///< how much is replaced by noise
  HiresUpscaler upscaler = HiresUpscaler::kLatent;
  std::string sampler;   ///< a name of the table; empty: the first pass's
  std::string schedule;  ///< a name of the table; empty: the first pass's
  /// Its adapters, if its prompt names different ones; absent: the first pass's.
  std::optional<std::vector<LoraUse>> loras = {};

  /// Whether there is a second pass.
  bool on() const { return scale != 0 || width != 0 || height != 0; }
  bool operator==(const HiresSettings&) const = default;
};

}  // namespace sd
