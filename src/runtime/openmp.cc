#include "runtime/openmp.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>

// Variables of GCC's libgomp, which cmake/openmp.cmake links in: how many times a waiting thread
// looks before it sleeps, and how many times where there are more threads than CPUs.
extern "C" unsigned long long gomp_spin_count_var;
extern "C" unsigned long long gomp_throttled_spin_count_var;

namespace sd::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned long long kThrottledLooks = 100;  // libgomp's own

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

unsigned long long looks_in(std::chrono::nanoseconds time) {
  constexpr int kLooks = 200;
  const int64_t cost = std::max<int64_t>(1, time_of_looks(kLooks).count());
  return static_cast<unsigned long long>(std::max<int64_t>(1, kLooks * time.count() / cost));
}

void set_looks(unsigned long long looks) {
  __atomic_store_n(&gomp_spin_count_var, looks, __ATOMIC_RELAXED);
  __atomic_store_n(&gomp_throttled_spin_count_var, std::min(looks, kThrottledLooks),
                   __ATOMIC_RELAXED);
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// What adapt_spinning saw when it last looked.
struct Watch {
  std::mutex mutex;
  unsigned long long quiet_looks = 0, busy_looks = 0;  // 0: not to be adapted
  double seconds = 0;
  int64_t switches = 0;
  int busy_windows = 0;
};
Watch watch;

}  // namespace

void set_spinning(std::chrono::nanoseconds most) { set_looks(looks_in(most)); }

void limit_spinning() {
  using namespace std::chrono_literals;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  // Nearly all gaps between two loops of a small model are shorter than the first.
  watch.quiet_looks = looks_in(40us);
  watch.busy_looks = looks_in(500ns);
  set_looks(watch.quiet_looks);
}

void adapt_spinning() {
  const std::unique_lock lock(watch.mutex, std::try_to_lock);
  if (!lock || watch.quiet_looks == 0) return;
  struct rusage used = {};
  ::getrusage(RUSAGE_SELF, &used);
  const double seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  constexpr double kWindow = 0.02;
  if (seconds - watch.seconds < kWindow) return;
  constexpr int kQuietWindows = 10;  // in a row, before the machine is taken for quiet again
  const bool busy = is_busy(used.ru_nivcsw - watch.switches, seconds - watch.seconds);
  watch.busy_windows = busy ? kQuietWindows : std::max(0, watch.busy_windows - 1);
  set_looks(watch.busy_windows > 0 ? watch.busy_looks : watch.quiet_looks);
  watch.seconds = seconds;
  watch.switches = used.ru_nivcsw;
}

bool is_busy(int64_t switches, double processor_seconds) {
  // Measured: 2 in a second where nothing else runs, 400 to 2000 beside four busy loops on two
  // CPUs.
  constexpr double kOfABusyMachine = 150;
  return static_cast<double>(switches) > kOfABusyMachine * processor_seconds;
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

}  // namespace sd::runtime
