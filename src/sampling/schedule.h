#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "sampling/model_sigmas.h"

namespace sd::sampling {

/// What a schedule is made for.
struct ScheduleArgs {
  const ModelSigmas& model;
  int64_t steps;
  double sigma_min;  ///< the lowest and highest level
  double sigma_max;
  std::optional<double> rho = {};  ///< absent: the schedule's own
  double beta_alpha = 0.6;
  double beta_beta = 0.6;
};

/// A way to lay the levels of k-diffusion's samplers between the most noise and none.
struct Schedule {
  const char* name;       ///< as flags and records call it
  const char* label;      ///< as AUTOMATIC1111's web UI calls it
  const char* old_names;  ///< other names in the web UI's texts, with commas between
  /// → [n + 1] f32, falling; nearly always to 0.
  at::Tensor (*sigmas)(const ScheduleArgs& args);
};

/// All schedules; the tests run over this table.
std::span<const Schedule> schedules();

/// What stands for the sampler's usual schedule.
inline constexpr const char* kAutomaticSchedule = "automatic";

/// The schedule of that name or label, in any case; null for kAutomaticSchedule and for the empty
/// name. Throws kUsage, with the nearest names.
const Schedule* find_schedule(std::string_view name);

}  // namespace sd::sampling
