#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <utility>

#include "models/memory_plan.h"

namespace sd::pipeline {

/// How much of a request is computed at a time, rung by rung: before it as much as the plan says
/// fits, and less where memory does not suffice all the same. A rung that failed is not tried
/// again. For one thread; what it is given must outlive it.
class MemoryLadder {
 public:
  /// `make_room`: gives up the UNet's recordings; false where there are none.
  MemoryLadder(const models::MemoryPlanner& planner, const runtime::ExecPolicy& policy,
               const models::ModelSource& source, std::function<bool()> make_room)
      : planner_(planner), policy_(policy), source_(source), make_room_(std::move(make_room)) {}

  /// Plans a request.
  void plan(const Workload& load);

  bool in_strips() const { return in_strips_; }
  models::UNetShare unet_share() const { return unet_share_; }

  /// What `draw` returns, which calls the UNet; where memory does not suffice, calls it again on
  /// the next rung and says so. Throws what `draw` throws on the last one.
  at::Tensor run_unet(const std::function<at::Tensor()>& draw);

  /// Runs the autoencoder's `work` on a picture: without the UNet's graphs if the plan says so or
  /// memory does not suffice, then in strips, for which memory that others keep is freed.
  /// `verb`: encode, decode.
  at::Tensor run_coder(const char* verb, const std::function<at::Tensor()>& work);

 private:
  bool take_coders_rung(const char* verb);

  const models::MemoryPlanner& planner_;
  const runtime::ExecPolicy& policy_;
  const models::ModelSource& source_;
  std::function<bool()> make_room_;
  std::optional<Workload> load_;
  bool in_strips_ = false;
  bool beside_recordings_ = true;  // whether the autoencoder works while there are some
  models::UNetShare unet_share_ = models::UNetShare::kAll;
  // What was too much once is so for all requests.
  bool always_in_strips_ = false;
  bool never_beside_recordings_ = false;
  models::UNetShare most_unet_share_ = models::UNetShare::kAll;
};

}  // namespace sd::pipeline
