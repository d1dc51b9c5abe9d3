#include "cli/run.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/new_file.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/error_of.h"
#include "cli/flag_names.h"
#include "cli/profile_table.h"
#include "cli/prompt_lines.h"
#include "cli/reporters.h"
#include "cli/run_checks.h"
#include "job/job_sheet.h"
#include "job/load_options.h"
#include "job/run.h"
#include "job/safety_choice.h"
#include "job/shard_jobs.h"
#include "job/workers.h"
#include "job/workload.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

/// What --profile and --profile-json ask for; of a run that is stopped, too.
void report_profile(const Settings& settings) {
  const runtime::Profile profile = runtime::current_profile();
  if (settings.profile) complain_lines(profile_table(profile));
  if (!settings.profile_json.empty()) write_over(settings.profile_json, profile_json(profile));
}

Reporters reporters_of(const Settings& settings) {
  Reporters all;
  all.add(std::make_unique<ConsoleReporter>(ProgressBar::style_of_stderr(), settings.show,
                                            settings.bell));
  if (settings.progress_fd) {
    all.add(std::make_unique<JsonReporter>(*settings.progress_fd));
  }
  return all;
}

job::SinkLoad sink_load(const std::vector<job::PlannedBatch>& batches, int64_t pictures) {
  job::SinkLoad load{.pictures = pictures};
  for (const job::PlannedBatch& batch : batches) {
    const FitSize size = result_size(batch.request.batch);
    load.largest_width = std::max(load.largest_width, size.width);
    load.largest_height = std::max(load.largest_height, size.height);
  }
  return load;
}

/// Pictures that may wait to be written: as many as 64 MiB hold, and at least one; of a job no more
/// than a batch, for a kill may lose them. None where the run is timed: writing is a part of it.
size_t most_waiting(const Settings& settings, const job::SinkLoad& load) {
  constexpr int64_t kBytes = int64_t{64} << 20, kMost = 16;
  if (is_profiled(settings)) return 0;
  const int64_t bytes_each =
      std::max<int64_t>(1, int64_t{load.largest_width} * load.largest_height * 3);
  const int64_t most = settings.job.folder.empty() ? kMost : std::min(kMost, settings.n_samples);
  return static_cast<size_t>(std::clamp<int64_t>(kBytes / bytes_each, 1, most));
}

/// (A tar that lacks what failed has its name and stays; one that lacks what was not drawn grows.)
std::string stopped_line(int64_t kept, int64_t planned, const Settings& settings) {
  const bool may_lose = settings.job.retry_failed && settings.output.sink == "tar";
  return fmt::format(
      "stopped; {} of {} pictures are drawn and kept{}", kept, planned,
      may_lose ? ", except those of retried lines in a tar that is not complete" : "");
}

std::string message_of(const std::exception_ptr& error) {
  return with_flags(error_of(error).what());
}

/// Keeps what is drawn while a computation goes on that did not hear that it should stop.
void end_late(const Settings& settings, const job::JobSource& jobs, job::OrderedOutput* output,
              job::Reporter* reporter) noexcept {
  constexpr auto kPatience = std::chrono::milliseconds(300);
  std::string line = "stopped while a picture was being written";
  const int64_t planned = jobs.pictures();
  try {
    if (output->finish_within(kPatience)) line = stopped_line(output->kept(), planned, settings);
  } catch (...) {
    line = "stopped; " + message_of(std::current_exception());
  }
  complain("error: " + line);
  reporter->end({.drawn = output->kept(),
                 .left = planned - output->kept(),
                 .failed = jobs.failed_lines(),
                 .why = line});
}

job::RunSummary summary_of(const job::RunOutcome& outcome, const Settings& settings) {
  job::RunSummary summary{.drawn = outcome.kept,
                          .left = 0,
                          .failed = outcome.bad_lines + outcome.unchecked + outcome.not_numbers,
                          .why = ""};
  if (outcome.error) summary.why = message_of(outcome.error);
  if (outcome.stopped()) summary.why = stopped_line(outcome.kept, outcome.planned, settings);
  if (!summary.why.empty()) summary.left = outcome.planned - outcome.kept;
  return summary;
}

/// Throws what is wrong with a run that went to its end.
void throw_if_incomplete(const job::RunOutcome& outcome, const Settings& settings) {
  const int64_t lines = outcome.bad_lines;
  if (outcome.bad_lines > 0 && !settings.job.folder.empty()) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{} pictures of the job failed; the others are drawn", lines),
        "see " + printable(settings.job.folder) + "/failed; `retry_failed` draws them once more");
  }
  if (outcome.bad_lines > 0) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{} lines of the prompt file were left out; the others are drawn", lines),
        "fix the lines listed above");
  }
  if (outcome.not_numbers > 0) {
    throw Error(ErrorKind::kCheckpoint,
                fmt::format("{} pictures hold values that are not numbers", outcome.not_numbers),
                outcome.cause.empty() ? "the model is damaged, or does not fit these flags"
                                      : "this is probably for " + outcome.cause + ": use less");
  }
  if (outcome.unchecked > 0) {
    throw Error(ErrorKind::kCheckpoint,
                fmt::format("{} pictures could not be checked, and were not let through",
                            outcome.unchecked),
                "see the reason above; --safety off draws without the checker");
  }
}

/// Whether an engine stopped a job while it was planned or its files were read.
bool stopped_job_early(const job::RunOutcome& outcome, const Settings& settings) {
  return !settings.job.folder.empty() && interrupted_by_engine() &&
         error_of(outcome.error).kind() == ErrorKind::kCancelled;
}

/// The exit code of a run; throws what makes it another than 0, but where nobody reads stdout.
int exit_code_of(const job::RunOutcome& outcome, const Settings& settings) {
  if (outcome.error && stopped_job_early(outcome, settings)) {
    throw Error(ErrorKind::kAgain, "stopped before anything was drawn",
                "run the same command again to resume the job");
  }
  if (outcome.error) std::rethrow_exception(outcome.error);
  if (outcome.stopped()) {
    const std::string line = stopped_line(outcome.kept, outcome.planned, settings);
    const bool by_engine = !interrupted() || interrupted_by_engine();
    if (!settings.job.folder.empty() && by_engine && !reader_gone()) {
      throw Error(ErrorKind::kAgain, line, "run the same command again to resume the job");
    }
    if (interrupted()) throw Error(ErrorKind::kCancelled, line);
    complain("error: " + line + ": nobody reads stdout");
    return kReaderGone;
  }
  throw_if_incomplete(outcome, settings);
  return 0;
}

/// What is to be drawn.
struct Work {
  const Settings& settings;
  const job::ChosenModel& model;
  const SafetyOptions& safety;
  job::JobSource& jobs;
  const std::vector<job::PlannedBatch>& batches;  ///< all of them, or what a job's are like
  job::PictureSink& sink;
  job::SinkLoad load;
  job::RefusedFn refused;  ///< of a job
};

job::RunOutcome draw(const Work& work, const Session::Tap& tap, job::Reporter* reporter) {
  const Settings& settings = work.settings;
  if (!work.model.note.empty()) notice(work.model.note);
  std::optional<job::Recorder> recorder;
  if (!settings.no_metadata && !(settings.skip_save && settings.skip_grid)) {
    recorder.emplace(settings, work.model, work.safety.mode);
    recorder->expect(job::lora_sets(work.batches));
  }
  job::SinkThread writer(&work.sink, most_waiting(settings, work.load));
  job::OrderedOutput output(&writer, recorder ? &*recorder : nullptr, work.refused);
  const auto stopped = work.refused ? ErrorKind::kAgain : ErrorKind::kCancelled;
  catch_interrupts([&] { end_late(settings, work.jobs, &output, reporter); },
                   static_cast<int>(stopped));
  job::RunInputs inputs{.settings = settings,
                        .model = work.model,
                        .jobs = work.jobs,
                        .load = job::load_options({.settings = settings,
                                                   .model = work.model,
                                                   .safety = work.safety,
                                                   .batches = work.batches,
                                                   .more_come = !settings.job.folder.empty()}),
                        .workers = {},
                        .tap = tap};
  if (!settings.devices.empty())
    inputs.workers = job::resolve_workers(settings, runtime::probe_host());
  if (auto* shard = dynamic_cast<job::ShardJobs*>(&work.jobs)) {
    shard->on_block_done([&](int64_t block) { output.end_block(block); });
  }
  return job::run(inputs, &output, reporter);
}

/// Everything from the choice of the model to the last picture.
job::RunOutcome draw_all(const Settings& settings, const Session::Tap& tap, const job::Sweep& sweep,
                         job::Reporter* reporter) {
  const job::ChosenModel model = job::choose_model(settings);
  const job::BatchPlan plan =
      job::plan_batches(settings, model.description, model.built_in,
                        job::sweep_lines(sweep, settings, read_prompt_lines(settings)));
  const SafetyOptions safety = job::choose_safety(settings);
  job::JobList jobs(plan, model.description, settings.fixed_code);
  job::SinkLoad load = sink_load(plan.batches, plan.pictures());
  if (!sweep.empty()) {
    load.columns = std::ssize(sweep.back().values);
    load.labels = job::sweep_labels(sweep, static_cast<size_t>(plan.pictures_per_pass));
  }
  const auto sink = job::find_sink(settings.output.sink)
                        .open({.settings = settings,
                               .load = load,
                               .reporter = reporter,
                               .block_pictures = job::lines_per_block(settings)});
  return draw({.settings = settings,
               .model = model,
               .safety = safety,
               .jobs = jobs,
               .batches = plan.batches,
               .sink = *sink,
               .load = load,
               .refused = nullptr},
              tap, reporter);
}

/// Writes what a shard leaves of which nothing can be drawn: the tars of lines that failed.
job::RunOutcome end_undrawn(job::ShardJobs* jobs, job::PictureSink* sink) {
  jobs->on_block_done([&](int64_t block) { sink->end_block(block); });
  jobs->tell_ended_blocks();
  sink->finish();
  return {.planned = jobs->pictures(), .bad_lines = jobs->failed_lines()};
}

/// The part of a job that is a shard's.
job::RunOutcome draw_job(const Settings& asked, const Session::Tap& tap, job::Reporter* reporter) {
  catch_interrupts(nullptr, static_cast<int>(ErrorKind::kAgain));
  Settings settings = job::with_device_of_job(asked);
  const job::ChosenModel model = job::choose_model(settings);
  const SafetyOptions safety = job::choose_safety(settings);
  settings.safety = safety.mode;
  const job::Shard shard =
      job::parse_shard(settings.job.shard, [](const char* name) { return std::getenv(name); });
  const job::PromptFile prompts(settings.from_file, job::lines_per_block(settings));
  const job::JobFolder folder(
      {settings.job.folder, prompts.lines() * settings.n_iter, settings.output.format});
  job::KeptTars kept;
  job::ShardJobs jobs({.settings = settings,
                       .model = model.description,
                       .built_in_model = model.built_in,
                       .prompts = prompts,
                       .folder = folder,
                       .shard = shard,
                       .parse =
                           [&](const std::string& text, int64_t number) {
                             return parse_prompt_line(text, number, prompts.json(), settings);
                           },
                       .words = with_flags,
                       .kept = &kept});
  job::join_job(folder, job::job_sheet(settings, model, safety, prompts));
  folder.clean();
  jobs.start();
  if (jobs.nothing_left()) return {.bad_lines = jobs.failed_lines()};
  const job::SinkLoad load = sink_load(jobs.typical(), jobs.pictures());
  const auto sink = job::find_sink(settings.output.sink)
                        .open_job({.settings = settings,
                                   .load = load,
                                   .reporter = reporter,
                                   .job = &folder,
                                   .block_pictures = prompts.lines_per_block(),
                                   .kept = &kept});
  if (jobs.draws_nothing()) return end_undrawn(&jobs, sink.get());
  return draw(
      {.settings = settings,
       .model = model,
       .safety = safety,
       .jobs = jobs,
       .batches = jobs.typical(),
       .sink = *sink,
       .load = load,
       .refused = [&](int64_t place, const std::string& reason) { jobs.fail(place, reason); }},
      tap, reporter);
}

}  // namespace

int run_script(const Settings& settings, const Session::Tap& tap, const job::Sweep& sweep) {
  check_run(settings, !sweep.empty());
  if (is_profiled(settings)) runtime::start_profile();
  Reporters reporter = reporters_of(settings);
  const LogToReporter log(&reporter);
  job::RunOutcome outcome;
  try {
    outcome = settings.job.folder.empty() ? draw_all(settings, tap, sweep, &reporter)
                                          : draw_job(settings, tap, &reporter);
  } catch (...) {
    begin_wind_up();
    outcome.error = std::current_exception();
  }
  reporter.end(summary_of(outcome, settings));
  if (is_profiled(settings) && !outcome.error) report_profile(settings);
  return exit_code_of(outcome, settings);
}

}  // namespace sd::cli
