#include "job/job_list.h"

#include <utility>

namespace sd::job {

void JobSource::done(const Job& job) {
  const std::lock_guard lock(mutex_);
  done_.insert(job.number);
  while (done_.erase(first_) > 0) ++first_;
}

size_t JobSource::first() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

void JobSource::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

bool JobSource::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

std::optional<Job> JobList::take() {
  if (stopped()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (next_ == size()) return std::nullopt;
  const size_t batches = plan_.batches.size();
  const size_t number = next_++;
  const auto pass = static_cast<int64_t>(number / batches);
  const PlannedBatch& batch = plan_.batches[number % batches];
  Job job{.number = number,
          .block = 0,
          .places = places_of(batch, pass, plan_.pictures_per_pass),
          .request = request_of(batch, pass)};
  noise_.place(&job.request);
  return job;
}

std::vector<int64_t> places_of(const PlannedBatch& batch, int64_t pass, int64_t pictures_per_pass) {
  std::vector<int64_t> places = batch.places;
  for (int64_t& place : places) place += pass * pictures_per_pass;
  return places;
}

}  // namespace sd::job
