#pragma once

#include "models/adapters/adapter_file.h"

namespace sd::models {

/// PEFT stores alpha beside the weights: in the header under `lora_adapter_metadata` (diffusers),
/// or in adapter_config.json in the same folder (PEFT's own save_pretrained). Gives each layer that
/// has no alpha the one that stands there. Without either, alpha is the rank. A layer of OFT gets
/// `use_cayley_neumann`, `num_cayley_neumann_terms`, `coft` and `eps` of adapter_config.json.
void add_peft_scales(AdapterFile* file);

}  // namespace sd::models
