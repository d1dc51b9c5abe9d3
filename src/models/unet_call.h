#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <vector>

#include "models/unet.h"
#include "runtime/captured_fn.h"
#include "runtime/exec_policy.h"

namespace sd::models {

/// How much of a batch a UNet is given at a time: less takes less memory, and more time.
enum class UNetShare {
  kAll,      ///< all pictures under all of their contexts
  kPicture,  ///< a picture under both halves of guidance
  kHalf,     ///< a picture under one of them
};

/// The share that is next to a smaller one, where a batch of so many pictures has one; else the
/// same.
UNetShare smaller_share(UNetShare share, int64_t pictures, bool guided);

/// A context of N rows for n pictures as those of the calls that a share makes of it, one after the
/// other: [N rows], or n of N/n, or N of one.
std::vector<PreparedContext> divided(const PreparedContext& context, int64_t pictures,
                                     UNetShare share);

/// Calls a UNet, over and over with the same context: as it is, or, where the policy has CUDA
/// graphs, as one that is recorded for each shape. For one thread.
class UNetCall {
 public:
  /// With a recorder of the caller's own, for tests.
  explicit UNetCall(runtime::Recorder recorder) : recorder_(std::move(recorder)) {}
  explicit UNetCall(const runtime::ExecPolicy& policy)
      : UNetCall(policy.cuda_graphs ? runtime::cuda_graph_recorder(policy.device)
                                    : runtime::Recorder()) {}

  /// As UNet's own, and as much like its result as two runs of it. `trace` is called block by block
  /// only where nothing is recorded; otherwise once before, with nothing. Recordings are of one
  /// UNet at a time: those of another are dropped.
  at::Tensor operator()(const UNet& unet, const UNetInputs& inputs, const UNet::Trace& trace);
  at::Tensor operator()(const UNet& unet, const at::Tensor& x, double t,
                        const PreparedContext& context, const UNet::Trace& trace) {
    return (*this)(unet, UNetInputs{x, t, context}, trace);
  }

  /// A call with a context that was divided: equal to one with the whole context within rounding.
  /// `residuals`: as UNetInputs has them.
  at::Tensor operator()(const UNet& unet, const at::Tensor& x, double t,
                        const std::vector<PreparedContext>& parts, const UNet::Trace& trace,
                        const std::vector<at::Tensor>& residuals = {});

  /// Embeds all these times ahead, in one product, where `unet` has a use for that
  /// (UNet::embeds_ahead). Others are embedded when they come.
  void expect(const UNet& unet, const std::vector<double>& times);

  /// Gives up the recordings, and with them their memory; new ones are made when they are needed.
  /// False where there were none.
  bool forget() {
    const bool some = captured_ != nullptr && captured_->size() > 0;
    captured_.reset();
    unet_ = nullptr;
    ahead_ = {};
    return some;
  }

 private:
  /// Times that are embedded.
  struct Ahead {
    const UNet* unet = nullptr;      // that did it
    std::map<double, int64_t> rows;  // of the times
    at::Tensor table;                // [rows, ...], of UNet::embed
  };

  at::Tensor embedded(const UNet& unet, double t) const;

  runtime::Recorder recorder_;  // empty: nothing is recorded
  const UNet* unet_ = nullptr;
  std::unique_ptr<runtime::CapturedFn> captured_;  // of `unet_`
  Ahead ahead_;
};

}  // namespace sd::models
