#include "pipeline/adapted_networks.h"

#include <ATen/ATen.h>

#include "runtime/profile.h"

namespace sd::pipeline {

int64_t adapted_bytes(const std::vector<LoraUse>& uses, const runtime::ExecPolicy& policy,
                      models::AdapterLibrary* adapters) {
  return adapters->changed_bytes(uses, static_cast<int64_t>(c10::elementSize(policy.dtype)));
}

/// What can throw stands before the networks become the model's, or before they become others.
void AdaptedNetworks::use(const std::vector<LoraUse>& uses, Networks* networks) {
  if (uses == used_) return;
  const runtime::Zone zone("adapters");
  std::vector<LoraUse> next = uses;
  const bool text = adapters_->changes(/*text=*/true, uses);
  const bool unet = adapters_->changes(/*text=*/false, uses);
  const int64_t bytes = adapted_bytes(uses, policy_, adapters_);
  const models::ModelSource source = adapters_->adapted(model_.source, uses);
  const ChangedNetworks changed{.text_encoder = text || adapters_->changes(true, used_),
                                .unet = unet || adapters_->changes(false, used_)};
  Networks fresh(model_);
  // First the model's own, so that memory for one set of adapters suffices.
  on_change_(changed);
  if (changed.text_encoder) networks->text_encoder = std::move(fresh.text_encoder);
  if (changed.unet) networks->unet = std::move(fresh.unet);
  used_.clear();
  bytes_ = 0;
  if (text) fresh.text_encoder = models::load_text_encoder(source, policy_);
  if (unet) fresh.unet = models::load_unet(source, policy_);
  if (text) networks->text_encoder = std::move(fresh.text_encoder);
  if (unet) networks->unet = std::move(fresh.unet);
  used_ = std::move(next);
  bytes_ = bytes;
}

}  // namespace sd::pipeline
