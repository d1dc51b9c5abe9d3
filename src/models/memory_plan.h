#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "models/latent_diffusion.h"
#include "models/unet_call.h"
#include "runtime/shape_memory.h"
#include "sd/options.h"

namespace sd::models {

// The stages of a run that are planned.
inline constexpr const char* kEncodeStage = "encode";
inline constexpr const char* kSamplingStage = "sampling";
inline constexpr const char* kDecodeStage = "decode";

/// Weights of a part of the model, in bytes.
struct PlannedWeights {
  std::string part;    ///< text encoder, UNet, encoder, decoder
  int64_t mapped = 0;  ///< pages of the checkpoint's file that stay in memory
  int64_t copied = 0;  ///< in another type, or in the order that kernels like, or on the device
};

/// A part of a stage, in bytes.
struct PlannedLayer {
  std::string name;
  int64_t tensors = 0;  ///< the most of all tensors until it has its result
  int64_t result = 0;   ///< what it gives, the largest of several calls
};

/// The tensors of a stage of a run, in bytes, where they are most.
struct PlannedStage {
  std::string stage;  ///< sampling, encode, decode
  std::string layer;  ///< what then has been computed
  int64_t tensors = 0;
  int64_t held = 0;                       ///< with the memory that is kept for the next ones
  std::vector<PlannedLayer> layers = {};  ///< in the order of their first results
};

/// What a run needs, in bytes.
struct MemoryPlan {
  std::vector<PlannedWeights> weights;
  std::vector<PlannedStage> stages;
  int64_t workspace = 0;   ///< of kernels, outside of tensors
  int64_t program = 0;     ///< code, libraries, vocabulary
  bool in_strips = false;  ///< how the autoencoder works
  UNetShare unet_share = UNetShare::kAll;
  /// What recordings of the UNet (CUDA graphs) hold from its first call on: the tensors of a call.
  int64_t recordings = 0;
  bool keeps_recordings = true;  ///< whether the autoencoder works while they are there
  /// What of the weights is in memory during a stage.
  int64_t weights_during(const PlannedStage& stage) const;
  /// What a stage and all that is there besides need.
  int64_t during(const PlannedStage& stage) const;
  /// The stage that needs most.
  const PlannedStage& largest() const;
  /// What it needs.
  int64_t total() const { return during(largest()); }
};

/// Tells how much memory runs of a model need, from shapes alone: its networks are run without
/// numbers, so that what is counted is what the networks do. Immutable; calls wait for one another.
class MemoryPlanner {
 public:
  /// The policy's device may be absent here. Throws kCheckpoint, naming every tensor concerned, for
  /// a source whose files do not hold what its config asks for, before a weight is read; but not
  /// for one without any weight (`shapes_of`).
  MemoryPlanner(const ModelSource& source, const runtime::ExecPolicy& policy);

  /// `in_strips`: how the autoencoder works.
  MemoryPlan plan(const Workload& load, bool in_strips,
                  UNetShare unet_share = UNetShare::kAll) const;

 private:
  void run_stage(const Workload& load, const MemoryPlan& plan, const std::string& name,
                 const TraceFn& trace) const;
  PlannedStage stage(runtime::ShapeMemory* memory, const Workload& load, const MemoryPlan& plan,
                     const std::string& name) const;

  ModelConfig config_;
  runtime::ExecPolicy policy_;  // of the planned run
  std::unique_ptr<runtime::ShapeRun> shapes_;
  std::vector<PlannedWeights> weights_;
  std::shared_ptr<const UNet> unet_;
  std::shared_ptr<const LatentCoder> coder_;
};

}  // namespace sd::models
