#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "job/batch_plan.h"
#include "pipeline/noise_plan.h"
#include "sd/error.h"

namespace sd::job {

/// A batch to draw.
struct Job {
  size_t number = 0;            ///< among those that were given out, from 0
  int64_t block = 0;            ///< what it is a part of, where jobs come in blocks
  std::vector<int64_t> places;  ///< of its pictures among all of the run
  Request request;              ///< complete

  /// The rows that are to be drawn, each of which makes one picture.
  int64_t wanted() const { return std::ssize(request.keep.empty() ? places : request.keep); }
};

/// What a run draws, in order, and how far it is. Thread-safe.
class JobSource {
 public:
  virtual ~JobSource() = default;

  /// The next one; nothing when all are taken or the run is to stop.
  virtual std::optional<Job> take() = 0;
  virtual void done(const Job& job);
  /// Whether the run goes on without the pictures of a job that could not be drawn.
  virtual bool go_on_without(const Job& /*job*/, const Error& /*error*/) { return false; }

  /// How many there are, as far as is known.
  virtual size_t size() const = 0;
  /// Pictures that the run is to draw, as far as is known.
  virtual int64_t pictures() const = 0;
  /// Lines that were left out, or could not be drawn.
  virtual int64_t failed_lines() const = 0;

  /// The number of the first job that is not done.
  size_t first() const;
  /// No further job is given out, and what is being drawn is dropped.
  void stop();
  virtual bool stopped() const;

 protected:
  mutable std::mutex mutex_;

 private:
  size_t first_ = 0;       // that is not done
  std::set<size_t> done_;  // beyond it
  bool stopped_ = false;
};

/// The jobs of a plan.
class JobList final : public JobSource {
 public:
  /// The plan must outlive it.
  JobList(const BatchPlan& plan, const ModelDescription& model, bool fixed_code)
      : plan_(plan), noise_(model, fixed_code) {}

  std::optional<Job> take() override;
  size_t size() const override { return plan_.batches.size() * static_cast<size_t>(plan_.passes); }
  int64_t pictures() const override { return plan_.pictures(); }
  int64_t failed_lines() const override { return plan_.bad_lines; }

 private:
  const BatchPlan& plan_;
  pipeline::NoisePlan noise_;
  size_t next_ = 0;
};

/// The places among all pictures of a run of a batch's in that pass.
std::vector<int64_t> places_of(const PlannedBatch& batch, int64_t pass, int64_t pictures_per_pass);

}  // namespace sd::job
