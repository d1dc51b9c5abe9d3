#include "runtime/openmp.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

// Variables of GCC's libgomp, which cmake/openmp.cmake links in: how many times a waiting thread
// looks before it sleeps, and how many times where there are more threads than CPUs.
extern "C" unsigned long long gomp_spin_count_var;
extern "C" unsigned long long gomp_throttled_spin_count_var;

namespace sd {
namespace {

using Clock = std::chrono::steady_clock;

/// What one look costs: the processor's pause instruction, 10 to 140 cycles of it. The least of a
/// few measurements, as another process may run in between.
std::chrono::nanoseconds time_of_looks(int looks) {
  auto least = std::chrono::nanoseconds::max();
  for (int round = 0; round < 5; ++round) {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < looks; ++i) __builtin_ia32_pause();
    least = std::min<std::chrono::nanoseconds>(least, Clock::now() - begin);
  }
  return least;
}

}  // namespace

void set_spinning(std::chrono::nanoseconds most) {
  constexpr int kLooks = 200;
  const auto looks = std::max<int64_t>(
      1, kLooks * most.count() / std::max<int64_t>(1, time_of_looks(kLooks).count()));
  gomp_spin_count_var = static_cast<unsigned long long>(looks);
  gomp_throttled_spin_count_var = std::min(gomp_throttled_spin_count_var, gomp_spin_count_var);
}

void limit_spinning() {
  using namespace std::chrono_literals;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  set_spinning(10us);
}

std::optional<int> threads_asked_for(const char* omp_num_threads) {
  if (omp_num_threads == nullptr) return std::nullopt;
  const char* end = omp_num_threads + std::strlen(omp_num_threads);
  const char* begin = std::find_if(omp_num_threads, end, [](char c) { return c != ' '; });
  int threads = 0;
  const auto [stopped, error] = std::from_chars(begin, end, threads);
  const bool whole = stopped == end || *stopped == ',' || *stopped == ' ';
  if (error != std::errc() || !whole || threads < 1) return std::nullopt;
  return threads;
}

}  // namespace sd
