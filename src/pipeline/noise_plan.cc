#include "pipeline/noise_plan.h"

#include "base/strings.h"
#include "pipeline/hires.h"
#include "pipeline/request_sampling.h"
#include "runtime/noise.h"
#include "sd/error.h"

namespace sd::pipeline {
namespace {

int64_t values_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return count;
}

/// Of a batch's tensors of random numbers.
std::vector<int64_t> shape_of(const ModelDescription& model, const BatchSettings& batch,
                              const NoisePlace& place) {
  return {place.shared() ? place.rows : 1, model.channels, batch.height / model.factor,
          batch.width / model.factor};
}

/// Where a picture with a stream of its own draws. The reference's posterior sample comes first
/// where one stream serves all.
void place_own(const std::vector<int64_t>& shape, bool reference, int64_t posteriors,
               const Request& request, NoisePlace* place) {
  place->start = place->steps = 0;
  place->init.reset();
  place->init_seed.reset();
  if (posteriors == 0) return;
  place->init = 0;
  // In the web UI these come from one generator for all pictures of a batch.
  if (posteriors > 1 || request.batch.init.image == nullptr || request.batch.init.inpainting) {
    place->init_seed = place->seeds.front();
    return;
  }
  if (place->rng == RngKind::kCpu && reference && !place->changes.any()) {
    place->start = runtime::draw_length(place->rng, values_of(shape));
  }
}

}  // namespace

/// Where the shared tensors lie, so many; draws them at `position` if there are none of that shape.
uint64_t NoisePlan::place_shared(const std::vector<int64_t>& shape, int64_t count, RngKind rng,
                                 Shared* known, uint64_t* position) {
  if (known->shape != shape) {
    *known = {*position, shape};
    *position += static_cast<uint64_t>(count) * runtime::draw_length(rng, values_of(shape));
  }
  return known->offset;
}

void NoisePlan::place(Request* request) {
  NoisePlace& place = request->noise;
  const std::vector<int64_t> shape = shape_of(model_, request->batch, place);
  const sampling::Sampler& sampler = sampling::find_sampler(request->batch.sampler);
  const int64_t posteriors = posterior_draws(model_, request->batch);
  if (!place.shared()) return place_own(shape, sampler.reference, posteriors, *request, &place);
  const uint64_t length = runtime::draw_length(place.rng, values_of(shape));
  place.init.reset();
  if (posteriors > 0) {
    uint64_t* position = place.rng == RngKind::kCpu ? &draws_ : &posterior_;
    Shared* known = &latents_[request->batch.init.image];
    place.init = place_shared(shape, posteriors, RngKind::kCpu, known, position);
  }
  if (fixed_code_) {
    place.start = place_shared(shape, 1, place.rng, &code_, &draws_);
  } else {
    place.start = draws_;
    draws_ += length;
  }
  place.fixed_code = fixed_code_;
  place.steps = draws_;
  const sampling::SamplingPlan plan = plan_of(model_, *request);
  const auto& inpainting = request->batch.init.inpainting;
  const bool noises = inpainting != nullptr && inpainting->mode == InpaintMode::kLdm;
  const int64_t draws = sampler.draws(plan) + (noises ? plan.steps() : 0);
  draws_ += static_cast<uint64_t>(draws) * length;
}

void NoisePlan::skip(const Request& request, int64_t times) {
  // From the second time on nothing is shared for the first time.
  if (times < 1) return;
  Request first = request;
  place(&first);
  if (times < 2) return;
  const uint64_t draws = draws_, posterior = posterior_;
  Request second = request;
  place(&second);
  const auto more = static_cast<uint64_t>(times - 2);
  draws_ += more * (draws_ - draws);
  posterior_ += more * (posterior_ - posterior);
}

void NoisePlan::forget_all_but(const std::shared_ptr<const Image>& image) {
  std::erase_if(latents_, [&](const auto& latent) { return latent.first != image; });
}

DrawRecord draw_record(const Request& request, int64_t row) {
  const NoisePlace& place = request.noise;
  DrawRecord record;
  record.batch = std::ssize(request.pictures);
  record.row = row;
  const auto at = static_cast<size_t>(row);
  record.seed = place.seeds.at(place.shared() ? 0 : at);
  record.noise_rows = place.shared() ? place.rows : 1;
  record.latent_offset = place.init;
  record.latent_seed = place.init_seed;
  record.offset = place.start;
  if (!place.variation_seeds.empty()) record.variation_seed = place.variation_seeds.at(at);
  if (encodes_first_pass(request.batch.hires)) {
    record.second_seed = place.second_seed.value_or(place.seeds.back());
  }
  if (place.shared() && place.fixed_code) {
    record.code_offset = place.start;
    record.offset = place.steps;
  }
  return record;
}

NoisePlace place_of(const ModelDescription& model, const BatchSettings& batch,
                    const DrawRecord& record, RngKind rng, bool own_stream) {
  NoisePlace place{.rng = rng, .seeds = {record.seed}, .rows = record.noise_rows};
  if (own_stream) {
    place.seeds.assign(static_cast<size_t>(record.batch), record.seed);
    place.rows = 0;
    if (record.variation_seed)
      place.variation_seeds.assign(place.seeds.size(), *record.variation_seed);
    place.changes = batch.noise;
    place.second_seed = record.second_seed;
  }
  place.init = record.latent_offset;
  place.init_seed = record.latent_seed;
  place.fixed_code = record.code_offset.has_value();
  place.start = record.code_offset.value_or(record.offset);
  place.steps = record.offset;
  if (!own_stream && !place.fixed_code) {
    place.steps += runtime::draw_length(rng, values_of(shape_of(model, batch, place)));
  }
  return place;
}

}  // namespace sd::pipeline
