#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "models/unet.h"
#include "runtime/captured_fn.h"
#include "runtime/exec_policy.h"

namespace sd {

/// Calls a UNet, over and over with the same context: as it is, or, where the policy has CUDA
/// graphs, as one that is recorded for each shape. For one thread.
class UNetCall {
 public:
  /// With a recorder of the caller's own, for tests.
  explicit UNetCall(Recorder recorder) : recorder_(std::move(recorder)) {}
  explicit UNetCall(const ExecPolicy& policy)
      : UNetCall(policy.cuda_graphs ? cuda_graph_recorder(policy.device) : Recorder()) {}

  /// As UNet's own, and as much like its result as two runs of it. `trace` is called block by block
  /// only where nothing is recorded; otherwise once before, with nothing. Recordings are of one
  /// UNet at a time: those of another are dropped.
  at::Tensor operator()(const UNet& unet, const at::Tensor& x, double t,
                        const PreparedContext& context, const UNet::Trace& trace);

 private:
  Recorder recorder_;  // empty: nothing is recorded
  const UNet* unet_ = nullptr;
  std::unique_ptr<CapturedFn> captured_;  // of `unet_`
};

}  // namespace sd
