#pragma once

#include <chrono>
#include <optional>

namespace sd {

/// Lets a thread that waits at the end of a parallel loop, or for the next one, look for at most
/// this long before it sleeps. Ours and LibTorch's loops use the same threads.
void set_spinning(std::chrono::nanoseconds most);

/// set_spinning to what costs nothing on a busy machine and next to nothing on a quiet one, unless
/// OMP_WAIT_POLICY or GOMP_SPINCOUNT says what the user wants.
void limit_spinning();

/// The threads that a value of OMP_NUM_THREADS ("4", "4,2") asks for; nothing where it is null or
/// not such a value.
std::optional<int> threads_asked_for(const char* omp_num_threads);

}  // namespace sd
