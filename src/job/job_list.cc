#include "job/job_list.h"

#include <utility>

namespace sd {

std::optional<Job> JobList::take() {
  const std::lock_guard lock(mutex_);
  if (stopped_ || next_ == size()) return std::nullopt;
  const size_t batches = plan_.batches.size();
  const size_t number = next_++;
  const auto pass = static_cast<int64_t>(number / batches);
  const PlannedBatch& batch = plan_.batches[number % batches];
  Request request = plan_.request(batch, pass);
  noise_.place(&request);
  return Job{number, pass, batch, std::move(request)};
}

void JobList::done(const Job& job) {
  const std::lock_guard lock(mutex_);
  done_.insert(job.number);
  while (done_.erase(first_) > 0) ++first_;
}

size_t JobList::first() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

void JobList::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

bool JobList::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace sd
