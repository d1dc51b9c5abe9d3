#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "sd/request.h"

namespace sd::pipeline {

/// Tells where in the streams of a run each of its batches draws, without drawing: one after the
/// other, as the batches of one call of the reference's scripts do. Pure arithmetic.
class NoisePlan {
 public:
  /// `fixed_code`: all batches of the shared stream start from the same noise.
  NoisePlan(ModelDescription model, bool fixed_code)
      : model_(std::move(model)), fixed_code_(fixed_code) {}

  /// Fills in where the run's next request draws; its seeds and rows are set. Throws kUsage where a
  /// sampler cannot say how much it draws from a shared stream.
  void place(Request* request);

  /// Goes on as if that request had been placed so many times.
  void skip(const Request& request, int64_t times);

  /// Forgets all init images but one, so that it holds few. An image that was forgotten is encoded
  /// with noise of its own when it comes again.
  void forget_all_but(const std::shared_ptr<const Image>& image);

 private:
  /// Of what the batches share: where it was drawn, and its shape.
  struct Shared {
    uint64_t offset = 0;
    std::vector<int64_t> shape = {};  // empty: not drawn yet
  };

  static uint64_t place_shared(const std::vector<int64_t>& shape, int64_t count, RngKind rng,
                               Shared* known, uint64_t* position);

  ModelDescription model_;
  bool fixed_code_;
  uint64_t draws_ = 0;      // where the stream is
  uint64_t posterior_ = 0;  // that of init images' latents, if it is another
  Shared code_;
  std::map<std::shared_ptr<const Image>, Shared> latents_;
};

/// The record of a row's random numbers.
DrawRecord draw_record(const Request& request, int64_t row);

/// The place that such a record tells, for a batch of these settings, as large as its own was.
NoisePlace place_of(const ModelDescription& model, const BatchSettings& batch,
                    const DrawRecord& record, RngKind rng, bool own_stream);

}  // namespace sd::pipeline
