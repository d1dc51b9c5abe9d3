#pragma once

#include <cstdint>
#include <vector>

#include "job/settings.h"
#include "sd/request.h"

namespace sd {

/// A line of a prompt file.
struct PromptLine {
  int64_t number = 0;  ///< from 1
  LineSettings settings;
  std::string problem;  ///< why it cannot be drawn, or empty
  std::string hint;
};

/// Pictures that are drawn at once.
struct PlannedBatch {
  Request request;
  std::vector<int64_t> places;  ///< of its pictures among those of a pass, rising
  /// What each seed grows by from pass to pass, where pictures have streams of their own.
  std::vector<int64_t> seed_steps;
  std::vector<int64_t> variation_steps;
};

/// What a run draws: the batches one after the other, and that `passes` times.
struct BatchPlan {
  std::vector<PlannedBatch> batches;  ///< by the place of their first picture
  int64_t passes = 1;
  int64_t pictures_per_pass = 0;
  int64_t bad_lines = 0;  ///< of the prompt file, left out under --keep-going

  int64_t pictures() const { return pictures_per_pass * passes; }
  /// The batch as it is drawn in that pass, from 0.
  Request request(const PlannedBatch& batch, int64_t pass) const;
};

/// The prompt, or the lines of a prompt file, → batches: n_samples pictures each, of one size,
/// sampler and init image. Everything the user typed is checked here, before any weight is read;
/// what is unusual but works is said. Throws kUsage, naming the line if it is one's, and kFile for
/// an init image that cannot be read. With `keep_going` bad lines are reported and counted instead,
/// unless none is left. `lines` counts only where `from_file` is set.
BatchPlan plan_batches(const Settings& settings, const ModelDescription& model, bool built_in_model,
                       const std::vector<PromptLine>& lines = {});

/// The batch that needs most memory. `previews`: whether pictures are decoded as they grow.
PlannedLoad largest_load(const BatchPlan& plan, const ModelDescription& model,
                         bool previews = false);

}  // namespace sd
