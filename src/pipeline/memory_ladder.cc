#include "pipeline/memory_ladder.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "pipeline/memory_choice.h"
#include "runtime/out_of_memory.h"
#include "runtime/tensor_memory.h"

namespace sd::pipeline {
namespace {

/// Until its end, little is kept in memory beside the autoencoder's strips.
class InStrips {
 public:
  InStrips(const runtime::ExecPolicy& policy, const models::ModelSource& source) : policy_(policy) {
    if (!policy_.device.is_cpu() || policy_.kernels.plain) return;
    source.release_memory();
    runtime::pool_tensor_memory(
        static_cast<size_t>(runtime::pool_limit_in_strips(policy_.kernels.memory)));
  }
  ~InStrips() {
    if (policy_.device.is_cpu()) runtime::apply_memory(policy_);
  }
  InStrips(const InStrips&) = delete;
  InStrips& operator=(const InStrips&) = delete;

 private:
  const runtime::ExecPolicy& policy_;
};

/// What `work` returns; nothing where memory does not suffice and `may_fail`.
std::optional<at::Tensor> try_once(const std::function<at::Tensor()>& work, bool may_fail) {
  try {
    return work();
  } catch (const std::exception& error) {
    if (!may_fail || !runtime::is_out_of_memory(error)) throw;
  }
  return std::nullopt;  // what was computed so far is gone by now
}

}  // namespace

void MemoryLadder::plan(const Workload& load) {
  if (load_ == load) return;
  const models::MemoryPlan plan = plan_to_fit(planner_, policy_, load);
  load_ = load;
  in_strips_ = plan.in_strips || always_in_strips_;
  beside_recordings_ = plan.keeps_recordings && !never_beside_recordings_;
  unet_share_ = std::max(plan.unet_share, most_unet_share_);
}

at::Tensor MemoryLadder::run_unet(const std::function<at::Tensor()>& draw) {
  while (true) {
    const models::UNetShare next =
        models::smaller_share(unet_share_, load_->pictures, load_->guided);
    if (auto latent = try_once(draw, next != unet_share_)) return *std::move(latent);
    notice(fmt::format("memory: not enough for the UNet; the batch is drawn again, {}",
                       share_words(next)));
    unet_share_ = most_unet_share_ = next;
    make_room_();
    runtime::give_kept_memory_back(policy_);
  }
}

/// Takes the autoencoder's next rung, and says so; false where there is none.
bool MemoryLadder::take_coders_rung(const char* verb) {
  if (make_room_()) {
    notice(
        fmt::format("memory: not enough to {} the picture while the UNet's graphs are kept; they "
                    "are captured again for each batch",
                    verb));
    beside_recordings_ = false;
    never_beside_recordings_ = true;
    return true;
  }
  if (in_strips_) return false;
  notice(fmt::format("memory: not enough to {} the picture as a whole; it is {}d in tiles", verb,
                     verb));
  in_strips_ = always_in_strips_ = true;
  return true;
}

at::Tensor MemoryLadder::run_coder(const char* verb, const std::function<at::Tensor()>& work) {
  if (!beside_recordings_ && make_room_()) runtime::give_kept_memory_back(policy_);
  while (true) {
    try {
      std::optional<InStrips> memory;
      if (in_strips_) memory.emplace(policy_, source_);
      return work();
    } catch (const std::exception& error) {
      if (!runtime::is_out_of_memory(error) || !take_coders_rung(verb)) throw;
    }
    runtime::give_kept_memory_back(policy_);  // what was computed so far is gone by now
  }
}

}  // namespace sd::pipeline
