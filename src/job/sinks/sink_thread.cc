#include "job/sinks/sink_thread.h"

#include <utility>

namespace sd::job {

SinkThread::SinkThread(PictureSink* sink, size_t most) : sink_(sink), most_(most) {
  if (most_ > 0) thread_ = std::thread([this] { work(); });
}

SinkThread::~SinkThread() { stop(); }

void SinkThread::add(FinishedPicture picture) {
  if (most_ == 0) return give(std::move(picture));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return error_ || waiting_.size() < most_; });
  if (error_) std::rethrow_exception(error_);
  waiting_.push_back(std::move(picture));
  changed_.notify_all();
}

void SinkThread::give(FinishedPicture picture) {
  if (picture.ends_block) return sink_->end_block(picture.place);
  sink_->add(std::move(picture));
}

void SinkThread::finish() {
  stop();
  if (error_) std::rethrow_exception(error_);
  sink_->finish();
}

void SinkThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void SinkThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    FinishedPicture picture = std::move(waiting_.front());
    lock.unlock();
    std::exception_ptr error;
    try {
      give(std::move(picture));
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    waiting_.pop_front();  // only now: it counted while it was written
    if (error) {
      error_ = error;
      waiting_.clear();
    }
    changed_.notify_all();
    if (error) return;
  }
}

}  // namespace sd::job
