#include "cli/workers.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/progress_bar.h"
#include "pipeline/draw_plan.h"
#include "sd/error.h"

namespace sd {
namespace {

/// A batch as it is drawn in one pass.
struct Job {
  size_t number;  // of the run, from 0
  int64_t pass;
  const PlannedBatch& batch;
  Request request;
};

/// The jobs of a run, in order, and what became of them. Thread-safe.
class Jobs {
 public:
  Jobs(const WorkersRun& run, OrderedOutput* output)
      : run_(run),
        draws_(run.model, run.options.rng),
        bar_(ProgressBar::style_of_stderr(),
             static_cast<int64_t>(run.plan.batches.size()) * run.plan.passes),
        output_(output) {
    bar_.begin_batch();
  }

  /// The next one; nothing when all are taken or the run is to stop.
  std::optional<Job> take() {
    const std::lock_guard lock(mutex_);
    const size_t batches = run_.plan.batches.size();
    if (stopped_ || next_ == batches * static_cast<size_t>(run_.plan.passes)) return std::nullopt;
    const size_t number = next_++;
    const auto pass = static_cast<int64_t>(number / batches);
    const PlannedBatch& batch = run_.plan.batches[number % batches];
    Request request = run_.plan.request(batch, pass);
    request.draws_at = draws_.next(request);
    return Job{number, pass, batch, std::move(request)};
  }

  /// Shows how the first job that is not done goes on. False: stop.
  bool show(const Job& job, const ProgressEvent& event) {
    const std::lock_guard lock(mutex_);
    if (job.number == first_) bar_.show(event);
    return !stopped_ && !interrupted() && !reader_gone();
  }

  void add(const Job& job, Picture picture, const Pipeline& pipeline) {
    const std::lock_guard lock(mutex_);
    bar_.clear();
    const int64_t place = job.pass * run_.plan.pictures_per_pass +
                          job.batch.places[static_cast<size_t>(picture.draw.row)];
    output_->add(place, job.batch, std::move(picture), pipeline);
  }

  void done(const Job& job) {
    const std::lock_guard lock(mutex_);
    done_.insert(job.number);
    while (done_.erase(first_) > 0) {
      ++first_;
      bar_.begin_batch();
    }
  }

  /// Stops all workers; `error`: what went wrong, or null where the user asked for it.
  void stop(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (!error_) error_ = std::move(error);
  }

  /// After the workers have ended: throws the first error.
  void finish() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const WorkersRun& run_;
  std::mutex mutex_;
  DrawPlan draws_;
  ProgressBar bar_;
  OrderedOutput* output_;
  size_t next_ = 0;
  size_t first_ = 0;       // that is not done
  std::set<size_t> done_;  // beyond it
  bool stopped_ = false;
  std::exception_ptr error_;
};

void draw_jobs(const ExecPolicy& policy, const WorkersRun& run, Jobs* jobs) {
  const Pipeline pipeline = Pipeline::load(run.load, policy, run.model.config);
  Session session = pipeline.start(run.options.rng, run.options.seed);
  while (const auto job = jobs->take()) {
    session.generate(
        job->request, [&](Picture picture) { jobs->add(*job, std::move(picture), pipeline); },
        [&](const ProgressEvent& event) { return jobs->show(*job, event); });
    jobs->done(*job);
  }
}

/// A worker's thread, from its start to its end.
void work(size_t number, const ExecPolicy& policy, const WorkersRun& run, Jobs* jobs) noexcept {
  set_log_label(format("worker %zu (%s): ", number + 1, policy.chosen.device.c_str()));
  try {
    draw_jobs(policy, run, jobs);
  } catch (const Error& error) {
    const bool asked_for = error.kind() == ErrorKind::kCancelled;
    jobs->stop(asked_for ? nullptr : std::current_exception());
  } catch (...) {
    jobs->stop(std::current_exception());
  }
}

}  // namespace

std::vector<ExecPolicy> resolve_workers(const Settings& options, const HostInfo& host) {
  const auto on_cpu = std::count(options.devices.begin(), options.devices.end(), "cpu");
  std::vector<ExecPolicy> workers;
  std::set<std::string> cards;
  for (const std::string& device : options.devices) {
    DeviceOptions asked = options.device;
    asked.device = device;
    ExecPolicy policy = resolve(asked, host);
    if (policy.device.is_cuda() && !cards.insert(policy.chosen.device).second) {
      throw Error(ErrorKind::kUsage, "--devices names " + policy.chosen.device + " twice",
                  "name each card once");
    }
    if (policy.device.is_cpu() && on_cpu > 1) {
      asked.threads = std::max(1, policy.threads / static_cast<int>(on_cpu));
      const int64_t free = policy.free_bytes;
      policy = resolve(asked, host);
      if (free < INT64_MAX) policy.free_bytes = free / on_cpu;
    }
    workers.push_back(std::move(policy));
  }
  return workers;
}

void draw_with_workers(const std::vector<ExecPolicy>& devices, const WorkersRun& run,
                       OrderedOutput* output) {
  Jobs jobs(run, output);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < devices.size(); ++i) {
    threads.emplace_back(work, i, std::cref(devices[i]), std::cref(run), &jobs);
  }
  for (std::thread& thread : threads) thread.join();
  jobs.finish();
}

}  // namespace sd
