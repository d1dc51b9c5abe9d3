#include "sampling/few_step_levels.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "sampling/picture_steps.h"
#include "sd/error.h"

namespace sd::sampling {
namespace {

/// How many of the steps are left where a picture keeps its share.
int64_t steps_left(int64_t steps, const std::optional<PictureShare>& share) {
  if (!share || share->all_steps) return steps;
  return std::min(share_of(share->strength, steps), steps);
}

int64_t originals_below(int64_t original, const std::optional<PictureShare>& share) {
  if (!share || !share->all_steps) return original;
  return share_of(share->strength, original);
}

}  // namespace

Level timestep_level(const NoiseSchedule& schedule, int64_t t) {
  const double a = schedule.alphas_cumprod()[static_cast<size_t>(t)];
  return {static_cast<double>(t), std::sqrt(a), std::sqrt(1 - a)};
}

Levels distilled_levels(const NoiseSchedule& schedule, int64_t steps, int64_t original,
                        const std::optional<PictureShare>& share) {
  const int64_t count = originals_below(original, share);
  if (steps > count) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format(
            "`steps` must be at most {}, the times that the model was distilled on, found {}",
            count, steps),
        "4 is the usual number");
  }
  const int64_t stride = schedule.timesteps() / original;
  const double spacing = static_cast<double>(count) / static_cast<double>(steps);
  Levels levels;
  for (int64_t i = steps - steps_left(steps, share); i < steps; ++i) {
    const auto place = static_cast<int64_t>(static_cast<double>(i) * spacing);
    levels.push_back(timestep_level(schedule, (count - place) * stride - 1));
  }
  levels.push_back(timestep_level(schedule, 0));
  return levels;
}

std::vector<int64_t> trailing_timesteps(int64_t total, int64_t steps) {
  const double stride = static_cast<double>(total) / static_cast<double>(steps);
  std::vector<int64_t> times;
  for (int64_t i = 0; i < steps; ++i) {
    const double time = static_cast<double>(total) - static_cast<double>(i) * stride;
    times.push_back(std::max<int64_t>(static_cast<int64_t>(std::nearbyint(time)) - 1, 0));
  }
  return times;
}

TrailingLevels trailing_levels(const NoiseSchedule& schedule, int64_t steps, bool to_one,
                               const std::optional<PictureShare>& share) {
  const int64_t total = schedule.timesteps();
  const std::vector<int64_t> times = trailing_timesteps(total, steps);
  TrailingLevels result;
  for (auto t = times.end() - steps_left(steps, share); t != times.end(); ++t) {
    result.levels.push_back(timestep_level(schedule, *t));
    result.targets.push_back(static_cast<float>(std::max<int64_t>(*t - total / steps, -1)));
  }
  result.levels.push_back(to_one ? Level{0, 1, 0} : timestep_level(schedule, 0));
  return result;
}

}  // namespace sd::sampling
