#pragma once

#include "models/adapters/adapter_file.h"

namespace sd::models {

/// PEFT stores alpha beside the weights: in the header under `lora_adapter_metadata` (diffusers),
/// or in adapter_config.json in the same folder (PEFT's own save_pretrained). Gives each layer that
/// has no alpha the one that stands there. Without either, alpha is the rank. A layer of LoHa or
/// LoKr gets a scale, one of OFT `use_cayley_neumann`, `num_cayley_neumann_terms`, `coft` and
/// `eps`, one of IA3 whether it multiplies inputs. What cannot be followed is added to the file's
/// faults.
void add_peft_scales(AdapterFile* file);

}  // namespace sd::models
