#include "cli/run.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/new_file.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/flag_names.h"
#include "cli/profile_table.h"
#include "cli/prompt_lines.h"
#include "cli/reporters.h"
#include "job/run.h"
#include "job/safety_choice.h"
#include "job/workers.h"
#include "models/embeddings.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {
namespace {

bool is_profiled(const Settings& settings) {
  return settings.profile || !settings.profile_json.empty();
}

/// What --profile and --profile-json ask for; of a run that is stopped, too.
void report_profile(const Settings& settings) {
  const Profile profile = current_profile();
  if (settings.profile) complain_lines(profile_table(profile));
  if (settings.profile_json.empty()) return;
  NewFile file(settings.profile_json);
  file.write(profile_json(profile));
  file.finish_over();
}

Reporters reporters_of(const Settings& settings) {
  Reporters all;
  all.add(std::make_unique<ConsoleReporter>(ProgressBar::style_of_stderr()));
  if (settings.progress_fd) {
    all.add(std::make_unique<JsonReporter>(static_cast<int>(*settings.progress_fd)));
  }
  return all;
}

/// The folder of the embeddings, if a batch has the syntax that knows them.
std::string embeddings_of(const Settings& settings, const BatchPlan& plan) {
  const bool known =
      std::any_of(plan.batches.begin(), plan.batches.end(), [](const PlannedBatch& batch) {
        return batch.request.batch.prompts.syntax == PromptSyntax::kWebUi;
      });
  return known ? find_embeddings_folder(settings.embeddings) : "";
}

SinkLoad sink_load(const BatchPlan& plan) {
  SinkLoad load{.pictures = plan.pictures()};
  for (const PlannedBatch& batch : plan.batches) {
    const FitSize size = result_size(batch.request.batch);
    load.largest_width = std::max(load.largest_width, size.width);
    load.largest_height = std::max(load.largest_height, size.height);
  }
  return load;
}

/// Pictures that may wait to be written: as many as 64 MiB hold, and at least one. None where the
/// run is timed: writing is a part of it.
size_t most_waiting(const Settings& settings, const SinkLoad& load) {
  constexpr int64_t kBytes = int64_t{64} << 20, kMost = 16;
  if (is_profiled(settings)) return 0;
  const int64_t bytes_each = int64_t{load.largest_width} * load.largest_height * 3;
  return static_cast<size_t>(std::clamp<int64_t>(kBytes / bytes_each, 1, kMost));
}

std::string stopped_line(int64_t kept, int64_t planned) {
  return format("stopped; %lld of %lld pictures are drawn and kept", static_cast<long long>(kept),
                static_cast<long long>(planned));
}

/// Keeps what is drawn while a computation goes on that did not hear that it should stop.
void end_late(const BatchPlan& plan, OrderedOutput* output, Reporter* reporter) noexcept {
  constexpr auto kPatience = std::chrono::milliseconds(300);
  std::string line = "stopped while a picture was being written";
  try {
    if (output->finish_within(kPatience)) line = stopped_line(output->kept(), plan.pictures());
  } catch (const std::exception& error) {
    line = std::string("stopped; ") + error.what();
  }
  complain("error: " + line);
  reporter->end({.drawn = output->kept(),
                 .left = plan.pictures() - output->kept(),
                 .failed = plan.bad_lines,
                 .why = line});
}

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return with_flags(thrown.what());
  }
}

RunSummary summary_of(const RunOutcome& outcome) {
  RunSummary summary{.drawn = outcome.kept,
                     .left = 0,
                     .failed = outcome.bad_lines + outcome.unchecked + outcome.not_numbers,
                     .why = ""};
  if (outcome.error) summary.why = message_of(outcome.error);
  if (outcome.stopped()) summary.why = stopped_line(outcome.kept, outcome.planned);
  if (!summary.why.empty()) summary.left = outcome.planned - outcome.kept;
  return summary;
}

/// Throws what is wrong with a run that went to its end.
void throw_if_incomplete(const RunOutcome& outcome) {
  if (outcome.bad_lines > 0) {
    throw Error(ErrorKind::kUsage,
                format("%lld lines of the prompt file were left out; the others are drawn",
                       static_cast<long long>(outcome.bad_lines)),
                "fix the lines listed above");
  }
  if (outcome.not_numbers > 0) {
    throw Error(ErrorKind::kCheckpoint,
                format("%lld pictures hold values that are not numbers",
                       static_cast<long long>(outcome.not_numbers)),
                "the model is damaged, or does not fit these flags");
  }
  if (outcome.unchecked > 0) {
    throw Error(ErrorKind::kCheckpoint,
                format("%lld pictures could not be checked, and were not let through",
                       static_cast<long long>(outcome.unchecked)),
                "see the reason above; --safety off draws without the checker");
  }
}

/// The exit code of a run; throws what makes it another than 0, but where nobody reads stdout.
int exit_code_of(const RunOutcome& outcome) {
  if (outcome.error) std::rethrow_exception(outcome.error);
  if (outcome.stopped()) {
    const std::string line = stopped_line(outcome.kept, outcome.planned);
    if (interrupted()) throw Error(ErrorKind::kCancelled, line);
    complain("error: " + line + ": nobody reads stdout");
    return kReaderGone;
  }
  throw_if_incomplete(outcome);
  return 0;
}

/// Everything from the choice of the model to the last picture.
RunOutcome draw_all(const Settings& settings, const Session::Tap& tap, Reporter* reporter) {
  const ChosenModel model = choose_model(settings);
  const BatchPlan plan =
      plan_batches(settings, model.description, model.built_in, read_prompt_lines(settings));
  const SafetyOptions safety = choose_safety(settings);
  const SinkLoad load = sink_load(plan);
  const auto sink = find_sink("folder").open(settings, load, reporter);
  if (!model.note.empty()) notice(model.note);
  std::optional<Recorder> recorder;
  if (!settings.no_metadata && !(settings.skip_save && settings.skip_grid)) {
    recorder.emplace(settings, model, safety.mode);
  }
  SinkThread writer(sink.get(), most_waiting(settings, load));
  OrderedOutput output(&writer, recorder ? &*recorder : nullptr);
  catch_interrupts([&] { end_late(plan, &output, reporter); });
  RunInputs inputs{.settings = settings,
                   .model = model,
                   .plan = plan,
                   .load = {.model = model.paths,
                            .device = settings.device,
                            .safety = safety,
                            .init_images = settings.script == Script::kImg2Img,
                            .embeddings = embeddings_of(settings, plan),
                            .largest = largest_load(plan, model.description, settings.preview > 0)},
                   .workers = {},
                   .tap = tap};
  if (!settings.devices.empty()) inputs.workers = resolve_workers(settings, probe_host());
  return run(inputs, &output, reporter);
}

}  // namespace

int run_script(const Settings& settings, const Session::Tap& tap) {
  if (is_profiled(settings) && !settings.devices.empty()) {
    throw Error(ErrorKind::kUsage, "--profile times one device, and --devices names several",
                "use --device");
  }
  if (is_profiled(settings)) start_profile();
  Reporters reporter = reporters_of(settings);
  const LogToReporter log(&reporter);
  RunOutcome outcome;
  try {
    outcome = draw_all(settings, tap, &reporter);
  } catch (...) {
    begin_wind_up();
    outcome.error = std::current_exception();
  }
  reporter.end(summary_of(outcome));
  if (is_profiled(settings) && !outcome.error) report_profile(settings);
  return exit_code_of(outcome);
}

}  // namespace sd
