#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "models/adapters/adapter_library.h"
#include "pipeline/networks.h"
#include "runtime/exec_policy.h"
#include "sd/lora.h"

namespace sd::pipeline {

/// Which of a session's networks become others.
struct ChangedNetworks {
  bool text_encoder = false;
  bool unet = false;
};

/// Puts adapters into a session's networks. Each set starts from the model's own weights, which
/// stay as they are; only layers that a set changes are there twice.
class AdaptedNetworks {
 public:
  /// Called before networks become others: what they computed counts no more. Must not throw.
  using ChangeFn = std::function<void(const ChangedNetworks&)>;

  /// What is given must outlive it.
  AdaptedNetworks(const models::LatentDiffusion& model, const runtime::ExecPolicy& policy,
                  models::AdapterLibrary* adapters, ChangeFn on_change)
      : model_(model), policy_(policy), adapters_(adapters), on_change_(std::move(on_change)) {}

  /// Gives the networks the weights of the model with these adapters in them. Throws as
  /// `open_adapter`, and the networks are as they were; kCheckpoint for an adapter whose values are
  /// not numbers, or where memory does not suffice, and all networks are the model's.
  void use(const std::vector<LoraUse>& uses, Networks* networks);

  /// The bytes of the weights that are there twice.
  int64_t bytes() const { return bytes_; }

 private:
  const models::LatentDiffusion& model_;
  const runtime::ExecPolicy& policy_;
  models::AdapterLibrary* adapters_;
  ChangeFn on_change_;
  std::vector<LoraUse> used_;  // what is in the networks
  int64_t bytes_ = 0;
};

/// The bytes of the weights that adapters change, in the policy's type.
int64_t adapted_bytes(const std::vector<LoraUse>& uses, const runtime::ExecPolicy& policy,
                      models::AdapterLibrary* adapters);

}  // namespace sd::pipeline
