#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>

#include "job/batch_plan.h"
#include "pipeline/noise_plan.h"

namespace sd {

/// A batch as it is drawn in one pass.
struct Job {
  size_t number;  ///< of the run, from 0
  int64_t pass;
  const PlannedBatch& batch;
  Request request;

  /// The place among all pictures of the run of one of its pictures.
  int64_t place(const BatchPlan& plan, int64_t row) const {
    return pass * plan.pictures_per_pass + batch.places[static_cast<size_t>(row)];
  }
};

/// The jobs of a run, in order, and which of them are done. Thread-safe.
class JobList {
 public:
  /// The plan must outlive it.
  JobList(const BatchPlan& plan, const ModelDescription& model, bool fixed_code)
      : plan_(plan), noise_(model, fixed_code) {}

  size_t size() const { return plan_.batches.size() * static_cast<size_t>(plan_.passes); }

  /// The next one; nothing when all are taken or the run is to stop.
  std::optional<Job> take();
  void done(const Job& job);

  /// The number of the first job that is not done.
  size_t first() const;
  /// No further job is given out.
  void stop();
  bool stopped() const;

 private:
  const BatchPlan& plan_;
  mutable std::mutex mutex_;
  NoisePlan noise_;
  size_t next_ = 0;
  size_t first_ = 0;       // that is not done
  std::set<size_t> done_;  // beyond it
  bool stopped_ = false;
};

}  // namespace sd
