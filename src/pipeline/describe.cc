#include "pipeline/describe.h"

#include "models/families.h"

namespace sd::pipeline {

ModelDescription describe(const models::ModelConfig& config) {
  ModelDescription description;
  description.family = models::family_of(config).name;
  description.channels = config.channels;
  description.factor = config.first_stage.factor();
  description.inpaints = config.inpaints();
  description.size_multiple = config.size_multiple();
  description.native_size = config.image_size * description.factor;
  description.timesteps = config.timesteps;
  description.linear_start = config.linear_start;
  description.linear_end = config.linear_end;
  return description;
}

}  // namespace sd::pipeline
