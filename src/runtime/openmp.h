#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sd::runtime {

/// Lets a thread that waits at the end of a parallel loop, or for the next one, look for at most
/// this long before it sleeps. Ours and LibTorch's loops use the same threads.
void set_spinning(std::chrono::nanoseconds most);

/// Sets it to what suits a quiet machine, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT says what the
/// user wants.
void limit_spinning();

/// After limit_spinning: call it now and then during a run. Where other processes push threads of
/// this one aside, waiting threads leave them the processor almost at once, until that is over.
void adapt_spinning();

/// Whether so many involuntary switches in so much processor time tell of a busy machine.
bool is_busy(int64_t switches, double processor_seconds);

/// The threads that a value of OMP_NUM_THREADS ("4", "4,2") asks for; nothing where it is null or
/// not such a value.
std::optional<int> threads_asked_for(const char* omp_num_threads);

}  // namespace sd::runtime
