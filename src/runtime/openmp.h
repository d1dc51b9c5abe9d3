#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sd/error.h"

namespace sd::runtime {

/// Lets a thread that waits at the end of a parallel loop, or for the next one, look for at most
/// this long before it sleeps. Ours and LibTorch's loops use the same threads.
void set_spinning(std::chrono::nanoseconds most);

/// Sets it to what suits a quiet machine, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT says what the
/// user wants.
void limit_spinning();

/// After limit_spinning: call it now and then during a run. Where this thread waits for a processor
/// that others use, waiting threads leave them theirs almost at once, until that is over.
void adapt_spinning();

/// How long a thread has run, and how long it could have run and waited for a processor.
struct QueueTimes {
  std::chrono::nanoseconds ran{0}, waited{0};
};

/// Of the calling thread since its start; nothing where the kernel does not tell.
std::optional<QueueTimes> queue_times();

/// Whether a thread that runs and waits so long is on a busy machine. (Measured on two CPUs: it
/// waits a hundredth to a third of the time that it runs where little else runs, and twice that
/// time beside four busy loops. Involuntary switches do not tell: threads that sleep and wake cause
/// them, too.)
bool is_busy(const QueueTimes& window);

/// The threads that a value of OMP_NUM_THREADS ("4", "4,2") asks for; nothing where it is null or
/// not such a value.
std::optional<int> threads_asked_for(const char* omp_num_threads);

/// Throws `no_thread` where so many threads cannot run at once, whose absence would end the process
/// within OpenMP. So many that could run once are not tried again.
void require_threads(int threads);

/// That a thread cannot be started, for this errno.
Error no_thread(int problem);

}  // namespace sd::runtime
