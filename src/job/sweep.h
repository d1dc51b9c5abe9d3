#pragma once

#include <string>
#include <vector>

#include "image/labelled_sheet.h"
#include "job/batch_plan.h"

namespace sd::job {

/// A setting and the values that it takes one after the other.
struct SweepAxis {
  std::string setting;
  std::vector<std::string> values;
};
using Sweep = std::vector<SweepAxis>;

/// "scale=3,5,7". Throws Error(kUsage) for what is none, or has more than 1000 values.
SweepAxis parse_sweep_axis(const std::string& text);

/// The lines of a run: each of `lines` (without any: the settings' own prompt) once for every
/// combination of the values, the last axis fastest. All pictures of a line have its seed. At most
/// 10,000 lines. Throws Error(kUsage) for a setting that a line cannot have or that two axes name
/// (by whatever flag), and for a value that it cannot have.
std::vector<PromptLine> sweep_lines(const Sweep& sweep, const Settings& settings,
                                    std::vector<PromptLine> lines);

/// What stands beside the pictures of those lines on a sheet with a column for each value of the
/// last axis.
image::SheetLabels sweep_labels(const Sweep& sweep, size_t lines);

}  // namespace sd::job
