#pragma once

#include <string>

#include "job/foreign/loose_json.h"

namespace sd::job {

/// Sets sampler, schedule and noise from ComfyUI's names for them (comfy/samplers.py), and says
/// what differs from the web UI's. `sampler` and `schedule` may be null.
void set_comfyui_sampling(const nlohmann::json& sampler, const nlohmann::json& schedule,
                          ForeignRecord* record);

}  // namespace sd::job
