#pragma once

#include <string>
#include <vector>

namespace sd::job {

// What settings may name, for help pages and for a shell to complete.

/// Names of the tables of samplers and schedules.
std::vector<std::string> sampler_names();
std::vector<std::string> schedule_names();
/// "auto", "cpu", "cuda"; which of them this machine has is not asked.
std::vector<std::string> device_names();

}  // namespace sd::job
