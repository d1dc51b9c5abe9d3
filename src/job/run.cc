#include "job/run.h"

#include <fmt/core.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "job/preview.h"
#include "runtime/out_of_memory.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using Clock = std::chrono::steady_clock;

/// How much of the run is done, and how long the rest will take.
class Estimate {
 public:
  /// `done`: of all jobs, from 0 to 1. Counts from the first call.
  std::optional<double> seconds_left(double done) {
    const auto now = Clock::now();
    if (!start_) {
      start_ = now;
      done_at_start_ = done;
    }
    const double passed = std::chrono::duration<double>(now - *start_).count();
    if (done <= done_at_start_) return std::nullopt;
    return passed / (done - done_at_start_) * (1 - done);
  }

 private:
  std::optional<Clock::time_point> start_;
  double done_at_start_ = 0;
};

/// What the workers of a run have in common. Thread-safe.
class Run {
 public:
  Run(const RunInputs& inputs, OrderedOutput* output, Reporter* reporter)
      : inputs_(inputs),
        jobs_(inputs.jobs),
        output_(output),
        reporter_(reporter),
        previews_(inputs.settings, inputs.load.safety.mode, reporter) {}

  /// Draws jobs until none is left.
  void draw(const Pipeline& pipeline) {
    std::optional<Session> own;
    Session* session = start(pipeline, &own);
    while (const auto job = jobs_.take()) {
      if (draw(*job, pipeline, session)) {
        jobs_.done(*job);
      } else {
        session = start(pipeline, &own);  // half of a job is in the one before
      }
    }
  }

  /// A worker from its start to its end: what goes wrong stops all.
  template <class Load>
  void work(const Load& load) noexcept {
    try {
      draw(load());
    } catch (const Error& error) {
      stop(error.kind() == ErrorKind::kCancelled ? nullptr : std::current_exception());
    } catch (...) {
      stop(std::current_exception());
    }
  }

  /// What went wrong first, or null; after the workers have ended.
  std::exception_ptr error() const { return error_; }

 private:
  Session* start(const Pipeline& pipeline, std::optional<Session>* own) const {
    own->reset();
    Session* session =
        inputs_.session != nullptr ? inputs_.session : &own->emplace(pipeline.start());
    session->set_tap(inputs_.tap);
    return session;
  }

  /// Whether the run goes on without the job's pictures. (They may be too large for this machine.)
  bool goes_on_without(const Job& job, const std::exception& thrown) {
    if (const auto* error = dynamic_cast<const Error*>(&thrown)) {
      return jobs_.go_on_without(job, *error);
    }
    if (!runtime::is_out_of_memory(thrown)) return false;
    return jobs_.go_on_without(job, Error(ErrorKind::kDevice, "out of memory"));
  }

  /// False where the run goes on without the job's pictures. That none can be written is no fault
  /// of a job.
  bool draw(const Job& job, const Pipeline& pipeline, Session* session) {
    bool writes = false;  // this worker, now
    try {
      session->generate(
          job.request,
          [&](Picture picture) {
            writes = true;
            add(job, std::move(picture), pipeline);
            writes = false;
          },
          [&](const ProgressEvent& event) { return show(job, event); });
    } catch (const std::exception& error) {
      if (writes || !goes_on_without(job, error)) throw;
      return false;
    }
    return true;
  }

  void add(const Job& job, Picture picture, const Pipeline& pipeline) {
    const int64_t place = job.places[static_cast<size_t>(picture.draw.row)];
    // It has a lock of its own. Where it waits for the disk, other workers tell how far they are.
    output_->add(place, job.request, std::move(picture), pipeline);
    const std::lock_guard lock(mutex_);
    ++drawn_;
  }

  /// Shows how the first job that is not done goes on. False: stop.
  bool show(const Job& job, const ProgressEvent& event) {
    const size_t first = jobs_.first();
    if (job.number == first) {
      const std::lock_guard lock(mutex_);
      reporter_->progress({.event = event,
                           .batch = static_cast<int64_t>(first) + 1,
                           .batches = static_cast<int64_t>(jobs_.size()),
                           .drawn = drawn_,
                           .pictures = jobs_.pictures(),
                           .seconds_left = seconds_left(first, event)});
    }
    if (job.number == first) previews_.show(event);
    const bool cancelled = inputs_.cancelled != nullptr && *inputs_.cancelled;
    return !jobs_.stopped() && !cancelled && !interrupted() && !reader_gone();
  }

  std::optional<double> seconds_left(size_t first, const ProgressEvent& event) {
    if (event.stage != Stage::kSample || event.total == 0) return std::nullopt;
    const double within = static_cast<double>(event.step) / event.total;
    return estimate_.seconds_left((static_cast<double>(first) + within) /
                                  static_cast<double>(jobs_.size()));
  }

  /// `error`: what went wrong, or null where the user asked for it.
  void stop(std::exception_ptr error) {
    jobs_.stop();
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }

  const RunInputs& inputs_;
  JobSource& jobs_;
  std::mutex mutex_;
  Estimate estimate_;
  OrderedOutput* output_;
  Reporter* reporter_;
  PreviewWriter previews_;  // of the thread that draws the first job that is not done
  int64_t drawn_ = 0;
  std::exception_ptr error_;
};

/// One thread a worker, or this one.
void work(const RunInputs& inputs, Run* run) {
  if (inputs.workers.empty()) {
    return run->work([&] { return Pipeline::load(inputs.load, inputs.model.description.config); });
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < inputs.workers.size(); ++i) {
    threads.emplace_back([i, &inputs, run] {
      const runtime::ExecPolicy& policy = inputs.workers[i];
      set_log_label(fmt::format("worker {} ({}): ", i + 1, policy.chosen.device));
      run->work(
          [&] { return Pipeline::load(inputs.load, policy, inputs.model.description.config); });
    });
  }
  for (std::thread& thread : threads) thread.join();
}

/// Finishes the output of a run that has ended.
RunOutcome finish(const RunInputs& inputs, const Run& all, OrderedOutput* output) {
  RunOutcome outcome;
  outcome.error = all.error();
  try {
    output->finish();
  } catch (...) {
    if (!outcome.error) outcome.error = std::current_exception();  // else the first says more
  }
  outcome.planned = inputs.jobs.pictures();
  outcome.bad_lines = inputs.jobs.failed_lines();
  outcome.drawn = output->count();
  outcome.kept = output->kept();
  outcome.unchecked = output->unchecked();
  outcome.not_numbers = output->not_numbers();
  outcome.cause = output->cause();
  return outcome;
}

}  // namespace

RunOutcome run(const RunInputs& inputs, OrderedOutput* output, Reporter* reporter) {
  Run all(inputs, output, reporter);
  work(inputs, &all);
  begin_wind_up();
  return finish(inputs, all, output);
}

RunOutcome run_on(const Pipeline& pipeline, const RunInputs& inputs, OrderedOutput* output,
                  Reporter* reporter) {
  Run all(inputs, output, reporter);
  all.work([&]() -> const Pipeline& { return pipeline; });
  return finish(inputs, all, output);
}

}  // namespace sd::job
