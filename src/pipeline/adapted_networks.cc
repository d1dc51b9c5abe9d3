#include "pipeline/adapted_networks.h"

#include <ATen/ATen.h>

#include "runtime/profile.h"

namespace sd {

int64_t adapted_bytes(const std::vector<LoraUse>& uses, const ExecPolicy& policy,
                      AdapterLibrary* adapters) {
  return adapters->changed_bytes(uses, static_cast<int64_t>(c10::elementSize(policy.dtype)));
}

ChangedNetworks AdaptedNetworks::use(const std::vector<LoraUse>& uses, Networks* networks) {
  if (uses == used_) return {};
  const Zone zone("adapters");
  const bool text = adapters_->changes(/*text=*/true, uses);
  const bool unet = adapters_->changes(/*text=*/false, uses);
  const ChangedNetworks changed{.text_encoder = text || adapters_->changes(true, used_),
                                .unet = unet || adapters_->changes(false, used_)};
  // First the model's own, so that memory for one set of adapters suffices.
  used_.clear();
  bytes_ = 0;
  if (changed.text_encoder) networks->text_encoder = model_.text_encoder;
  if (changed.unet) networks->unet = model_.unet;
  const ModelSource source = adapters_->adapted(model_.source, uses);
  if (text) networks->text_encoder = load_text_encoder(source, policy_);
  if (unet) networks->unet = load_unet(source, policy_);
  used_ = uses;
  bytes_ = adapted_bytes(uses, policy_, adapters_);
  return changed;
}

}  // namespace sd
