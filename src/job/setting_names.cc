#include "job/setting_names.h"

#include "sampling/sampler.h"
#include "sampling/schedule.h"

namespace sd::job {
namespace {

template <class Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.emplace_back(entry.name);
  return names;
}

}  // namespace

std::vector<std::string> sampler_names() { return names_of(sampling::samplers()); }

std::vector<std::string> schedule_names() { return names_of(sampling::schedules()); }

std::vector<std::string> device_names() { return {"auto", "cpu", "cuda"}; }

}  // namespace sd::job
