#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/adapters/adapter_file.h"

namespace sd::models {

/// Adds what a PEFT config asks for and this program does not compute to the file's faults, and
/// what the file lacks of it to its notes. Keys begin with `prefix`, "unet." of a header of
/// diffusers.
void check_peft_config(const nlohmann::json& config, const std::string& prefix, AdapterFile* file);

}  // namespace sd::models
