#pragma once

#include <span>

#include "pipeline/hires.h"
#include "sd/settings.h"

namespace sd {

/// Puts the names of the tables into a second pass's settings. Throws Error(kUsage) for unknown
/// ones, and for settings of a second pass that there is not.
void resolve_hires(HiresSettings* hires);

/// A way to enlarge, and the web UI's name of it.
struct UpscalerLabel {
  HiresUpscaler upscaler;
  const char* label;
};
std::span<const UpscalerLabel> upscaler_labels();

/// The sides of the pictures that a batch gives, and the largest that it works at.
HiresSize largest_size(const BatchSettings& batch);

}  // namespace sd
