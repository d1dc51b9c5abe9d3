#pragma once

#include <span>

#include "sd/settings.h"

namespace sd::job {

/// Puts the names of the tables into a second pass's settings. Throws Error(kUsage) for unknown
/// ones, and for settings of a second pass that there is not.
void resolve_hires(HiresSettings* hires);

/// A way to enlarge, and the web UI's name of it.
struct UpscalerLabel {
  HiresUpscaler upscaler;
  const char* label;
};
std::span<const UpscalerLabel> upscaler_labels();

}  // namespace sd::job
