#pragma once

#include <string>

#include "job/foreign/loose_json.h"

namespace sd::job {

/// Sets sampler, schedule and noise from ComfyUI's names for them (comfy/samplers.py), and says
/// what differs from the web UI's. `sampler` and `schedule` may be null.
void set_comfyui_sampling(const nlohmann::json& sampler, const nlohmann::json& schedule,
                          ForeignRecord* record);

/// Says what of the record's prompts ComfyUI reads otherwise than the web UI (comfy/sd1_clip.py):
/// weights scale what lies between a word and the empty prompt, [ ], AND and BREAK are words, and
/// embeddings are called embedding:NAME.
void say_comfyui_prompts(ForeignRecord* record);

}  // namespace sd::job
