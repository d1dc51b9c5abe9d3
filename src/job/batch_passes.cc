// What a planned batch is in each of its passes.

#include "job/batch_plan.h"

namespace sd::job {

Request planned_request(const PlannedBatch& batch, int64_t pass) {
  Request request = batch.request;
  const auto grow = [pass](const std::vector<int64_t>& steps, std::vector<uint64_t>* seeds) {
    for (size_t i = 0; i < steps.size(); ++i) {
      (*seeds)[i] += static_cast<uint64_t>(pass * steps[i]);
    }
  };
  grow(batch.seed_steps, &request.noise.seeds);
  grow(batch.variation_steps, &request.noise.variation_seeds);
  return request;
}

void fill_in_texts(const PlannedBatch& batch, int64_t pass, Request* request) {
  const PlannedTemplates& templates = batch.templates;
  for (size_t i = 0; i < templates.texts.size(); ++i) {
    const auto place = static_cast<uint64_t>(pass * templates.pictures_per_pass + batch.places[i]);
    // One with a stream of its own makes its choices by its seed, whatever the run.
    const uint64_t own = request->noise.shared() ? templates.seed + place : request->noise.seeds[i];
    expand_prompts(templates.expand, templates.texts[i], {.seed = own, .place = place},
                   &request->pictures[i]);
  }
  if (templates.adapters) templates.adapters(request->pictures.front(), &request->batch);
}

Request request_of(const PlannedBatch& batch, int64_t pass) {
  Request request = planned_request(batch, pass);
  fill_in_texts(batch, pass, &request);
  return request;
}

}  // namespace sd::job
