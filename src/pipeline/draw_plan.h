#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "sd/options.h"
#include "sd/request.h"

namespace sd {

/// Rows of every draw of a request from the shared stream.
int64_t noise_rows_of(const Request& request);

/// Tells where in the streams of a run each of its requests draws, without drawing: what a session
/// that is given them in this order finds. Pure arithmetic.
class DrawPlan {
 public:
  DrawPlan(ModelDescription model, RngKind rng) : model_(std::move(model)), rng_(rng) {}

  /// The places of the run's next request, to be its `draws_at`; nothing for one whose rows have
  /// streams of their own. Throws as `steps_taken`.
  std::optional<DrawRecord> next(const Request& request);

 private:
  /// Of what the batches share: where it was drawn, and its shape.
  struct Shared {
    uint64_t offset = 0;
    std::vector<int64_t> shape = {};  // empty: not drawn yet
  };

  static uint64_t shared(const std::vector<int64_t>& shape, RngKind rng, Shared* known,
                         uint64_t* position);

  ModelDescription model_;
  RngKind rng_;
  uint64_t draws_ = 0;      // where the stream is
  uint64_t posterior_ = 0;  // that of init images' latents, if it is another
  Shared code_;
  std::map<std::shared_ptr<const Image>, Shared> latents_;
};

}  // namespace sd
