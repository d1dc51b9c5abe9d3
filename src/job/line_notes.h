#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sampling/sampler.h"
#include "sd/settings.h"

namespace sd::job {

/// Whether the sampler is named, other than by the reference's flags.
bool names_sampler(const LineSettings& line);

/// What of a line works, but not as its words or numbers read: a text each for the user. `choice`:
/// the line's sampler; `timesteps`: the model's.
std::vector<std::string> line_notes(const Settings& settings, const LineSettings& line,
                                    const sampling::SamplerChoice& choice, int64_t timesteps);

}  // namespace sd::job
