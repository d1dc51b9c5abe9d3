#include "pipeline/request_sampling.h"

namespace sd::pipeline {

sampling::NoiseSchedule schedule_of(const ModelDescription& model) {
  return sampling::NoiseSchedule::linear(model.linear_start, model.linear_end, model.timesteps);
}

sampling::SamplingSettings sampling_of(const Request& request) {
  const BatchSettings& batch = request.batch;
  sampling::SamplingSettings settings{.sampler = batch.sampler,
                                      .schedule = batch.schedule,
                                      .steps = batch.steps,
                                      .knobs = batch.knobs};
  if (batch.init.starts_sampling()) {
    settings.strength = batch.init.strength.value_or(kUsualStrength);
  }
  return settings;
}

sampling::SamplingPlan plan_of(const ModelDescription& model, const Request& request) {
  return sampling::plan_sampling(schedule_of(model), sampling_of(request));
}

bool has_guidance(const Request& request) {
  return request.pictures.front().scale != 1 ||
         sampling::find_sampler(request.batch.sampler).guidance != 1;
}

}  // namespace sd::pipeline
