#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "sd/request.h"

namespace sd {

/// What a run draws: the batches one after the other, and that `passes` times.
struct BatchPlan {
  std::vector<Request> batches;
  int64_t passes = 1;

  int64_t pictures() const;
};

/// --prompt or --from-file, --n_samples and --n_iter → batches. Everything the user typed is
/// checked here, before any weight is read; what is unusual but works is said. Throws kUsage, and
/// kFile for a prompt file that cannot be read.
BatchPlan plan_batches(const Txt2ImgOptions& options, const ModelDescription& model,
                       bool built_in_model);

/// The lines of a prompt file as Python's str.splitlines gives them: an empty line is an empty
/// prompt, a last line need not end, and a byte order mark at the start is left out.
std::vector<std::string> split_lines(const std::string& text);

}  // namespace sd
