#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <mutex>
#include <utility>

#include "models/latent_coder.h"
#include "runtime/kernel_policy.h"
#include "weights/weight_view.h"

namespace sd::models {

/// An encoder, which not every run has need of: Net(view, config, kernels), built at once or when
/// it is first asked for. Until then it was only looked for in the checkpoint, so that what it
/// lacks there is in the view's report from the beginning. Safe to use from several threads.
template <class Net, class Config>
class LaterNetwork {
 public:
  LaterNetwork(weights::WeightView view, Config config, const runtime::KernelPolicy& kernels,
               CoderParts parts)
      : view_(std::move(view)), config_(std::move(config)), kernels_(kernels) {
    if (parts == CoderParts::kBoth) {
      get();
    } else {
      look_for();
    }
  }

  /// Throws what building a network throws; then it is built anew the next time.
  const Net& get() const {
    const std::lock_guard lock(mutex_);
    if (net_ == nullptr) net_ = std::make_unique<const Net>(view_, config_, kernels_);
    return *net_;
  }

 private:
  /// Asks the checkpoint for all tensors, and reads none.
  void look_for() const {
    runtime::ShapeRun shapes;
    const runtime::KernelPolicy without_numbers{.plain = true, .shapes = &shapes};
    const Net asked(view_.on(at::kMeta), config_, without_numbers);
  }

  weights::WeightView view_;
  Config config_;
  runtime::KernelPolicy kernels_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<const Net> net_;
};

}  // namespace sd::models
