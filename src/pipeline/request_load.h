#pragma once

#include <vector>

#include "sd/request.h"

namespace sd::pipeline {

/// What each pass of a request works on at a time: the first, and the second where there is one,
/// which begins with encoding the enlarged pictures of the first where it has pixels enlarged. As
/// far as settings tell: a prompt's chunks are guessed, adapters are not counted. Throws kUsage for
/// prompts that cannot be read.
std::vector<Workload> loads_of(const ModelDescription& model, const Request& request);

}  // namespace sd::pipeline
