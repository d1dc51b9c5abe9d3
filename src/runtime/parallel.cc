#include "runtime/parallel.h"

#include <ATen/Parallel.h>
#include <omp.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace sd::runtime {
namespace {

/// Tells ThreadSanitizer what it cannot see: OpenMP orders what was done before a loop before its
/// work, and that before what comes after it.
class LoopOrder {
 public:
  void leave() { release(&order_); }
  void enter() { acquire(&order_); }

 private:
#ifdef __SANITIZE_THREAD__
  static void release(void* at) { __tsan_release(at); }
  static void acquire(void* at) { __tsan_acquire(at); }
#else
  static void release(void*) {}
  static void acquire(void*) {}
#endif
  char order_ = 0;
};

}  // namespace

void parallel_for(int64_t begin, int64_t end, int64_t grain,
                  c10::function_ref<void(int64_t, int64_t)> work) {
  LoopOrder before, after;
  before.leave();
  at::parallel_for(begin, end, grain, [&](int64_t first, int64_t last) {
    before.enter();
    work(first, last);
    after.leave();
  });
  after.enter();
}

SerialLoops::SerialLoops(bool serial) : threads_(serial ? omp_get_max_threads() : 0) {
  if (threads_ > 0) omp_set_num_threads(1);
}

SerialLoops::~SerialLoops() {
  if (threads_ > 0) omp_set_num_threads(threads_);
}

}  // namespace sd::runtime
