#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sd/inpainting.h"

namespace sd::job {

/// What AUTOMATIC1111's web UI (v1.10.1, modules/processing.py) writes of an inpainting: names and
/// values, of what is not its default. Nothing without a mask.
std::vector<std::pair<std::string, std::string>> inpaint_fields(const MaskSettings& mask);

/// Sets what such a field says; false for another's name. Throws Error(kUsage) for a value that it
/// cannot have.
bool set_inpaint_field(const std::string& name, const std::string& value, MaskSettings* mask);

}  // namespace sd::job
