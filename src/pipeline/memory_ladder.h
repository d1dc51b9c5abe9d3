#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "models/memory_plan.h"

namespace sd::pipeline {

/// How much of a request is computed at a time, rung by rung: before it as much as the plan says
/// fits, and less where memory does not suffice all the same. A rung that failed is not tried
/// again. For one thread; what it is given must outlive it.
class MemoryLadder {
 public:
  MemoryLadder(const models::MemoryPlanner& planner, const runtime::ExecPolicy& policy,
               const models::ModelSource& source)
      : planner_(planner), policy_(policy), source_(source) {}

  /// Plans a request.
  void plan(const Workload& load);

  bool in_strips() const { return in_strips_; }
  models::UNetShare unet_share() const { return unet_share_; }

  /// What `draw` returns, which calls the UNet; where memory does not suffice, calls it again on
  /// the next rung, after `make_room`, and says so. Throws what `draw` throws on the last one.
  at::Tensor run_unet(const std::function<at::Tensor()>& draw,
                      const std::function<void()>& make_room);

  /// The same of the autoencoder's work on a picture; what others keep in memory makes room for
  /// work in strips. `verb`: encode, decode.
  at::Tensor run_coder(const char* verb, const std::function<at::Tensor()>& work);

 private:
  const models::MemoryPlanner& planner_;
  const runtime::ExecPolicy& policy_;
  const models::ModelSource& source_;
  std::optional<Workload> load_;
  bool in_strips_ = false;
  models::UNetShare unet_share_ = models::UNetShare::kAll;
  // What was too much once is so for all requests.
  bool always_in_strips_ = false;
  models::UNetShare most_unet_share_ = models::UNetShare::kAll;
};

}  // namespace sd::pipeline
