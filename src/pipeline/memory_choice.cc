#include "pipeline/memory_choice.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/strings.h"
#include "base/words.h"

namespace sd::pipeline {
namespace {

constexpr int64_t kGibibyte = int64_t{1} << 30;
constexpr double kGigabyte = 1e9;

/// A part of what is free is left to others.
bool fits(int64_t bytes, const runtime::ExecPolicy& policy) {
  return static_cast<double>(bytes) <= 0.97 * static_cast<double>(policy.free_bytes);
}

const models::PlannedStage& sampling(const models::MemoryPlan& plan) {
  return *std::find_if(
      plan.stages.begin(), plan.stages.end(),
      [](const models::PlannedStage& stage) { return stage.stage == models::kSamplingStage; });
}

/// Whether the autoencoder's stages fit.
bool coder_fits(const models::MemoryPlan& plan, const runtime::ExecPolicy& policy) {
  return std::all_of(
      plan.stages.begin(), plan.stages.end(), [&](const models::PlannedStage& stage) {
        return stage.stage == models::kSamplingStage || fits(plan.during(stage), policy);
      });
}

/// What the autoencoder's tensors may take before it works in strips.
int64_t most_for_tensors(const runtime::ExecPolicy& policy) {
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

/// Whether the autoencoder works in strips: as asked; by itself where the whole would not fit, or
/// where its tensors take too much.
bool wants_strips(models::MemoryPlan whole, const runtime::ExecPolicy& policy) {
  if (policy.chosen.vae_tiling != VaeTiling::kAuto) {
    return policy.chosen.vae_tiling == VaeTiling::kOn;
  }
  whole.keeps_recordings = false;  // these are given up first
  const bool too_large =
      std::any_of(whole.stages.begin(), whole.stages.end(), [&](const models::PlannedStage& stage) {
        return stage.stage != models::kSamplingStage && stage.tensors > most_for_tensors(policy);
      });
  return too_large || !coder_fits(whole, policy);
}

}  // namespace

models::MemoryPlan plan_to_fit(const models::MemoryPlanner& planner,
                               const runtime::ExecPolicy& policy, const Workload& load) {
  models::MemoryPlan plan = planner.plan(load, /*in_strips=*/false);
  if (wants_strips(plan, policy)) plan = planner.plan(load, /*in_strips=*/true);
  while (!fits(plan.during(sampling(plan)), policy)) {
    const models::UNetShare smaller =
        models::smaller_share(plan.unet_share, load.pictures, load.guided);
    if (smaller == plan.unet_share) break;
    plan = planner.plan(load, plan.in_strips, smaller);
  }
  plan.keeps_recordings = plan.recordings == 0 || coder_fits(plan, policy);
  return plan;
}

MemoryChoice choose_memory(const models::ModelSource& source, const runtime::ExecPolicy& policy,
                           const Workload& load) {
  MemoryChoice choice;
  for (const MemoryMode memory : {MemoryMode::kFast, MemoryMode::kBalanced, MemoryMode::kLow}) {
    if (memory < policy.kernels.memory) continue;
    runtime::ExecPolicy rung = policy;
    rung.kernels.memory = memory;
    choice.memory = memory;
    choice.planner = std::make_unique<const models::MemoryPlanner>(source, rung);
    choice.plan = plan_to_fit(*choice.planner, rung, load);
    choice.fits = fits(choice.plan.total(), policy);
    if (!policy.device.is_cpu()) break;
    if (choice.fits && choice.plan.unet_share == models::UNetShare::kAll) break;
  }
  return choice;
}

std::string memory_line(const MemoryChoice& choice, const runtime::ExecPolicy& policy) {
  std::vector<std::string> ways;
  if (policy.device.is_cpu()) ways.emplace_back(word_of(choice.memory));
  if (choice.plan.in_strips) ways.emplace_back("VAE in tiles");
  if (choice.plan.unet_share != models::UNetShare::kAll) {
    ways.emplace_back(share_words(choice.plan.unet_share));
  }
  if (choice.plan.recordings > 0 && !choice.plan.keeps_recordings) {
    ways.emplace_back("graphs of the UNet captured again for each batch");
  }
  std::string line =
      fmt::format("memory: about {:.1f} GB", static_cast<double>(choice.plan.total()) / kGigabyte);
  if (!ways.empty()) line += " (" + join(ways, ", ") + ")";
  if (policy.free_bytes < INT64_MAX) {
    line += fmt::format(" of {:.1f} GB free", static_cast<double>(policy.free_bytes) / kGigabyte);
  }
  const MemoryMode wanted = policy.kernels.memory;
  if (choice.memory != wanted) {
    line += fmt::format("; `memory` {} would not fit", word_of(wanted));
  }
  if (!choice.fits) {
    line +=
        "; that is more than is free: draw smaller pictures (`height`, `width`) or fewer at once "
        "(`n_samples`) if this fails";
  }
  return line;
}

const char* share_words(models::UNetShare share) {
  switch (share) {
    case models::UNetShare::kAll:
      return "";
    case models::UNetShare::kPicture:
      return "UNet on one picture at a time";
    case models::UNetShare::kHalf:
      break;
  }
  return "UNet on half a picture's guidance at a time";
}

}  // namespace sd::pipeline
