#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job/prompt_templates.h"
#include "job/settings.h"
#include "sd/request.h"

namespace sd::job {

/// A line of a prompt file.
struct PromptLine {
  int64_t number = 0;  ///< from 1
  LineSettings settings;
  std::string problem;  ///< why it cannot be drawn, or empty
  std::string hint;
};

/// Sets the adapters of a batch with that picture.
using SetAdapters = std::function<void(const PictureSettings& picture, BatchSettings* batch)>;

/// The templates of a batch's pictures, with `expand`.
struct PlannedTemplates {
  std::vector<PictureTexts> texts = {};  ///< of the pictures; none: their prompts are no templates
  TemplateExpander expand = {};
  /// Where a prompt may name adapters, otherwise in each pass: the picture is alone in its batch.
  SetAdapters adapters = {};
  /// Those of the passes behind the first, as far as they are known.
  std::vector<std::vector<LoraUse>> later_loras = {};
  uint64_t seed = 0;  ///< of the run
  int64_t pictures_per_pass = 0;
};

/// Pictures that are drawn at once.
struct PlannedBatch {
  Request request;
  std::vector<int64_t> places;  ///< of its pictures among those of a pass, rising
  /// What each seed grows by from pass to pass, where pictures have streams of their own.
  std::vector<int64_t> seed_steps;
  std::vector<int64_t> variation_steps;
  PlannedTemplates templates = {};
};

/// What a run draws: the batches one after the other, and that `passes` times.
struct BatchPlan {
  std::vector<PlannedBatch> batches;  ///< by the place of their first picture
  int64_t passes = 1;
  int64_t pictures_per_pass = 0;
  int64_t bad_lines = 0;  ///< of the prompt file, left out under --keep-going

  int64_t pictures() const { return pictures_per_pass * passes; }
};

/// The prompt, or the lines of a prompt file, → batches: n_samples pictures each, of one size,
/// sampler and init image. Everything the user typed is checked here, before any weight is read;
/// what is unusual but works is said. Throws kUsage, naming the line if it is one's, and kFile for
/// an init image that cannot be read. With `keep_going` bad lines are reported and counted instead,
/// unless none is left. `lines`: of the file, or of a sweep; without any the settings' own prompt
/// is drawn.
BatchPlan plan_batches(const Settings& settings, const ModelDescription& model, bool built_in_model,
                       const std::vector<PromptLine>& lines = {});

/// Makes batches of lines, a part of the lines at a time.
class BatchPlanner {
 public:
  /// Throws kUsage for settings that the model cannot serve. What it is given must outlive it.
  BatchPlanner(const Settings& settings, const ModelDescription& model, bool built_in_model);
  ~BatchPlanner();
  BatchPlanner(BatchPlanner&&) noexcept;

  /// Adds a picture, at a place of its pass, to the first batch since `finish` that has room and
  /// suits it. Throws kUsage or kFile.
  void add(const LineSettings& line, int64_t place);

  /// The batches since the last call. Of the init images it forgets all but the command line's.
  std::vector<PlannedBatch> finish(int64_t pictures_per_pass);

 private:
  class Batches;
  std::unique_ptr<Batches> batches_;
};

/// The request for a batch in that pass, from 0, whose texts are still templates.
Request planned_request(const PlannedBatch& batch, int64_t pass);

/// Puts the texts, and the adapters that they name, into a request of `planned_request`. Throws
/// kUsage or kFile.
void fill_in_texts(const PlannedBatch& batch, int64_t pass, Request* request);

/// The request for a batch as it is drawn in that pass, from 0. Throws as `fill_in_texts`.
Request request_of(const PlannedBatch& batch, int64_t pass);

}  // namespace sd::job
