#include "pipeline/draw_plan.h"

#include "pipeline/request_sampling.h"
#include "runtime/noise.h"

namespace sd {
namespace {

int64_t values_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return count;
}

}  // namespace

int64_t noise_rows_of(const Request& request) {
  const auto rows = static_cast<int64_t>(request.pictures.size());
  return request.seeds.empty() && request.noise_rows > 0 ? request.noise_rows : rows;
}

/// Where the shared tensor lies; draws it at `position` if there is none of that shape.
uint64_t DrawPlan::shared(const std::vector<int64_t>& shape, RngKind rng, Shared* known,
                          uint64_t* position) {
  if (known->shape != shape) {
    *known = {*position, shape};
    *position += draw_length(rng, values_of(shape));
  }
  return known->offset;
}

std::optional<DrawRecord> DrawPlan::next(const Request& request) {
  if (!request.seeds.empty()) return std::nullopt;
  const std::vector<int64_t> shape = {noise_rows_of(request), model_.channels,
                                      request.batch.height / model_.factor,
                                      request.batch.width / model_.factor};
  const uint64_t length = draw_length(rng_, values_of(shape));
  DrawRecord record;
  if (request.batch.init.image != nullptr) {
    uint64_t* position = rng_ == RngKind::kCpu ? &draws_ : &posterior_;
    record.latent_offset =
        shared(shape, RngKind::kCpu, &latents_[request.batch.init.image], position);
  }
  if (request.fixed_code) record.code_offset = shared(shape, rng_, &code_, &draws_);
  record.offset = draws_;
  if (!request.fixed_code) draws_ += length;
  const Sampler& sampler = find_sampler(request.batch.sampler);
  draws_ += static_cast<uint64_t>(sampler.draws(plan_of(model_, request))) * length;
  return record;
}

}  // namespace sd
