#pragma once

#include "models/model_config.h"
#include "sd/request.h"

namespace sd::pipeline {

/// What a request must fit, of a config that is read already.
ModelDescription describe(const models::ModelConfig& config);

}  // namespace sd::pipeline
