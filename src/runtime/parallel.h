#pragma once

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace sd::runtime {

/// Calls `work(first, last)` for ranges that cover [begin, end), on as many threads as there are
/// ranges of `grain` items: on the calling thread alone where the whole is no more than that. What
/// one of them throws is thrown again here. (A loop costs a microsecond and, on a busy machine, a
/// wait for a thread that does not run: a grain should be worth a few microseconds.)
void parallel_for(int64_t begin, int64_t end, int64_t grain,
                  c10::function_ref<void(int64_t, int64_t)> work);

/// Keeps loops of this thread, LibTorch's as well, on the thread alone while it lives, if `serial`.
class SerialLoops {
 public:
  explicit SerialLoops(bool serial);
  ~SerialLoops();
  SerialLoops(const SerialLoops&) = delete;
  SerialLoops& operator=(const SerialLoops&) = delete;

 private:
  int threads_;  ///< to go back to; 0: nothing was changed
};

}  // namespace sd::runtime
