#include "pipeline/memory_choice.h"

#include <cstdint>

#include "base/strings.h"

namespace sd {
namespace {

constexpr int64_t kGibibyte = int64_t{1} << 30;
constexpr double kGigabyte = 1e9;

/// A part of what is free is left to others.
bool fits_into(const MemoryPlan& plan, int64_t free) {
  return static_cast<double>(plan.total()) <= 0.97 * static_cast<double>(free);
}

/// What the autoencoder's tensors may take before it works in strips.
int64_t most_for_tensors(const ExecPolicy& policy) {
  switch (policy.kernels.memory) {
    case MemoryMode::kFast:
      return INT64_MAX;
    case MemoryMode::kBalanced:
      return 4 * kGibibyte;
    case MemoryMode::kLow:
      break;
  }
  return kGibibyte;
}

MemoryPlan plan_as_wanted(const MemoryPlanner& planner, const ExecPolicy& policy,
                          const PlannedLoad& load, int64_t free) {
  MemoryPlan whole = planner.plan(load, /*in_strips=*/false);
  if (!wants_strips(whole, policy, free)) return whole;
  return planner.plan(load, /*in_strips=*/true);
}

}  // namespace

bool wants_strips(const MemoryPlan& whole, const ExecPolicy& policy, int64_t free) {
  if (policy.chosen.vae_tiling != VaeTiling::kAuto) {
    return policy.chosen.vae_tiling == VaeTiling::kOn;
  }
  for (const PlannedStage& stage : whole.stages) {
    if (stage.stage == kSamplingStage) continue;
    const bool much = stage.tensors > most_for_tensors(policy);
    if (much || (&stage == &whole.largest() && !fits_into(whole, free))) return true;
  }
  return false;
}

MemoryChoice choose_memory(const ModelConfig& config, const ExecPolicy& policy,
                           at::ScalarType stored, const PlannedLoad& load, int64_t free) {
  MemoryChoice choice;
  for (const MemoryMode memory : {MemoryMode::kFast, MemoryMode::kBalanced, MemoryMode::kLow}) {
    if (memory < policy.kernels.memory) continue;
    ExecPolicy rung = policy;
    rung.kernels.memory = memory;
    const MemoryPlanner planner(config, rung, stored);
    choice.memory = memory;
    choice.plan = plan_as_wanted(planner, rung, load, free);
    choice.fits = fits_into(choice.plan, free);
    if (choice.fits) break;
  }
  return choice;
}

at::ScalarType stored_type(const Checkpoint& checkpoint) {
  for (const TensorInfo& info : checkpoint.index()) {
    if (info.shape.size() > 1 && info.name.rfind("model.diffusion_model.", 0) == 0) {
      return info.dtype;
    }
  }
  return at::kFloat;
}

std::string memory_line(const MemoryChoice& choice, MemoryMode wanted, int64_t free) {
  std::string line =
      format("memory: about %.1f GB (%s%s)", static_cast<double>(choice.plan.total()) / kGigabyte,
             memory_word(choice.memory), choice.plan.in_strips ? ", VAE in tiles" : "");
  if (free < INT64_MAX) line += format(" of %.1f GB free", static_cast<double>(free) / kGigabyte);
  if (choice.memory != wanted) {
    line += format("; --memory %s would not fit", memory_word(wanted));
  }
  if (!choice.fits) {
    line +=
        "; that is more than is free: draw smaller pictures (--H, --W) or fewer at once "
        "(--n_samples) if this fails";
  }
  return line;
}

const char* memory_word(MemoryMode memory) {
  switch (memory) {
    case MemoryMode::kFast:
      return "fast";
    case MemoryMode::kBalanced:
      return "balanced";
    case MemoryMode::kLow:
      break;
  }
  return "low";
}

}  // namespace sd
