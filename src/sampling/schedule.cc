// The table of schedules. To add one, write a file in schedules/ that ends in its row, and a line
// here.

#include "sampling/schedule.h"

#include <ATen/ATen.h>

#include <vector>

#include "base/names.h"
#include "sampling/schedules/schedules.h"
#include "sd/error.h"

// A line each.
// clang-format off
#define SD_SCHEDULES(row) \
  row(uniform) \
  row(karras) \
  row(exponential) \
  row(polyexponential) \
  row(sgm_uniform) \
  row(kl_optimal) \
  row(align_your_steps) \
  row(simple) \
  row(normal) \
  row(ddim) \
  row(beta) \
  row(trailing)
// clang-format on

namespace sd::sampling {

#define SD_DECLARE(name) Schedule name##_schedule();
SD_SCHEDULES(SD_DECLARE)

std::span<const Schedule> schedules() {
#define SD_ROW(name) name##_schedule(),
  static const Schedule all[] = {SD_SCHEDULES(SD_ROW)};
  return all;
}

const Schedule* find_schedule(std::string_view name) {
  if (name.empty() || is_name(name, kAutomaticSchedule)) return nullptr;
  std::vector<std::string> names = {kAutomaticSchedule};
  for (const Schedule& schedule : schedules()) {
    if (is_name(name, schedule.name) || is_name(name, schedule.label) ||
        is_one_of(name, schedule.old_names)) {
      return &schedule;
    }
    names.emplace_back(schedule.name);
  }
  throw unknown_name("schedule", name, names);
}

at::Tensor with_zero(const at::Tensor& sigmas) { return at::cat({sigmas, sigmas.new_zeros({1})}); }

}  // namespace sd::sampling
