#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "job/sinks/sinks.h"

namespace sd::job {

/// Gives pictures to a sink on a thread of its own, so that encoding and writing them holds up no
/// drawing. A sink that fails gets no more pictures; what it threw is thrown by the next call.
class SinkThread {
 public:
  /// At most `most` pictures wait for the sink; 0: `add` itself gives it the picture. The sink must
  /// outlive this.
  SinkThread(PictureSink* sink, size_t most);
  ~SinkThread();  ///< the sink gets what is waiting; errors are forgotten
  SinkThread(const SinkThread&) = delete;
  SinkThread& operator=(const SinkThread&) = delete;

  /// Waits while there are too many. What ends a block is handed on, too. To be called by one
  /// thread at a time.
  void add(FinishedPicture picture);

  /// Waits until the sink has all, and finishes it.
  void finish();

 private:
  void give(FinishedPicture picture);
  void work();
  void stop();

  PictureSink* sink_;
  size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FinishedPicture> waiting_;
  bool ending_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace sd::job
