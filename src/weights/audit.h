#pragma once

#include <string>
#include <vector>

#include "weights/checkpoint.h"
#include "weights/load_report.h"

namespace sd::weights {

/// The weights of the checkpoint that no model took, sorted by name, without those whose name
/// starts with one of `expected_prefixes` (parts that a run leaves alone on purpose).
std::vector<std::string> extra_tensors(const Checkpoint& checkpoint, const LoadReport& report,
                                       const std::vector<std::string>& expected_prefixes);

/// Says with -v which weights were not used, one line each; silent otherwise.
void say_extra_tensors(const Checkpoint& checkpoint, const LoadReport& report,
                       const std::vector<std::string>& expected_prefixes);

}  // namespace sd::weights
