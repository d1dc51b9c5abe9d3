#include "sampling/schedule.h"

#include <ATen/ATen.h>

#include "base/names.h"
#include "sampling/schedules/schedules.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr Schedule kSchedules[] = {
    {"uniform", "Uniform", "", uniform_sigmas},
    {"karras", "Karras", "", karras_sigmas},
    {"exponential", "Exponential", "", exponential_sigmas},
    {"polyexponential", "Polyexponential", "", polyexponential_sigmas},
    {"sgm_uniform", "SGM Uniform", "SGMUniform", sgm_uniform_sigmas},
    {"kl_optimal", "KL Optimal", "", kl_optimal_sigmas},
    {"align_your_steps", "Align Your Steps", "", align_your_steps_sigmas},
    {"simple", "Simple", "", simple_sigmas},
    {"normal", "Normal", "", normal_sigmas},
    {"ddim", "DDIM", "", ddim_sigmas},
    {"beta", "Beta", "", beta_sigmas},
};

}  // namespace

std::span<const Schedule> schedules() { return kSchedules; }

const Schedule* find_schedule(std::string_view name) {
  if (name.empty() || is_name(name, kAutomaticSchedule)) return nullptr;
  std::vector<std::string> names = {kAutomaticSchedule};
  for (const Schedule& schedule : kSchedules) {
    if (is_name(name, schedule.name) || is_name(name, schedule.label) ||
        is_one_of(name, schedule.old_names)) {
      return &schedule;
    }
    names.emplace_back(schedule.name);
  }
  throw unknown_name("schedule", name, names);
}

at::Tensor with_zero(const at::Tensor& sigmas) { return at::cat({sigmas, sigmas.new_zeros({1})}); }

}  // namespace sd
