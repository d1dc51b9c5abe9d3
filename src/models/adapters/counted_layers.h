#pragma once

#include <map>
#include <string>

#include "models/adapters/adapter_file.h"
#include "models/adapters/layer_names.h"

namespace sd::models {

/// cloneofsimo's trainer (cloneofsimo/lora d84074b) numbers layers: "unet:12", "text_encoder:3", or
/// places in a list. Which layers these are: in the order of the modules of early 2023's diffusers,
/// where feed-forward came before attention to the text, or of others that fit the shapes better.
/// Empty for a file that names its layers.
std::map<std::string, const AdaptedLayer*> counted_layers(const AdapterFile& file,
                                                          const LayerNames& names);

}  // namespace sd::models
