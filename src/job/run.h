#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "job/job_list.h"
#include "job/model_choice.h"
#include "job/reporter.h"
#include "job/run_output.h"
#include "runtime/exec_policy.h"
#include "sd/pipeline.h"

namespace sd::job {

/// What a run is given; it must outlive the run.
struct RunInputs {
  const Settings& settings;
  const ChosenModel& model;
  JobSource& jobs;
  LoadOptions load;
  std::vector<runtime::ExecPolicy>
      workers;       ///< one thread each; none: this thread, on `load.device`
  Session::Tap tap;  ///< sees the tensors of the run; see Session::set_tap
  const std::atomic<bool>* cancelled = nullptr;  ///< once true, the run stops; null: never
  /// For `run_on`: what draws, of its pipeline; null: a session of the run's own. Where the run
  /// ends early, half of a request is in it, and it must not be used again.
  Session* session = nullptr;
};

/// How a run went.
struct RunOutcome {
  int64_t drawn = 0;                   ///< pictures
  int64_t kept = 0;                    ///< of them, those that the safety checker did not withhold
  int64_t planned = 0;                 ///< pictures of the run
  int64_t bad_lines = 0;               ///< of the prompt file, left out or failed
  int64_t unchecked = 0;               ///< pictures that the safety checker failed on
  int64_t not_numbers = 0;             ///< pictures that hold values that are not numbers
  std::string cause = {};              ///< what that is probably for, or empty
  std::exception_ptr error = nullptr;  ///< what ended it early, or null

  /// Whether the user stopped it.
  bool stopped() const { return !error && drawn < planned; }
};

/// Draws the pictures of a plan and gives them to the output, which it finishes, in the order that
/// they were asked for, until the user stops it (`interrupted`) or nobody reads stdout. Each worker
/// has a pipeline of its own and takes the next batch whenever it has drawn one; the pictures are
/// those of one worker, for each batch begins where in the stream it would begin there. What goes
/// wrong ends the run and is in the outcome, unless the jobs go on without it; what is drawn then
/// is in the output.
RunOutcome run(const RunInputs& inputs, OrderedOutput* output, Reporter* reporter);

/// As `run`, on this thread, with a pipeline that is there already: `load` and `workers` count for
/// nothing.
RunOutcome run_on(const Pipeline& pipeline, const RunInputs& inputs, OrderedOutput* output,
                  Reporter* reporter);

}  // namespace sd::job
