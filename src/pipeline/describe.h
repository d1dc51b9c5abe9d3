#pragma once

#include "models/model_config.h"
#include "sd/request.h"

namespace sd {

/// What a request must fit, of a config that is read already.
ModelDescription describe(const ModelConfig& config);

}  // namespace sd
