#include "runtime/openmp.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/descriptor.h"

// Variables of GCC's libgomp, which cmake/openmp.cmake links in: how many times a waiting thread
// looks before it sleeps, and how many times where there are more threads than CPUs; and what it
// starts its threads with (OMP_STACKSIZE).
extern "C" unsigned long long gomp_spin_count_var;
extern "C" unsigned long long gomp_throttled_spin_count_var;
extern "C" pthread_attr_t gomp_thread_attr;

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

/// What adapt_spinning knows.
struct Watch {
  std::mutex mutex;
  unsigned long long quiet_looks = 0, busy_looks = 0;  // 0: not to be adapted
  int busy_windows = 0;
};
Watch watch;

void* pass(void* gate) {
  const std::lock_guard lock(*static_cast<std::mutex*>(gate));
  return nullptr;
}

/// Starts so many threads, which end together: 0, or why one cannot be started.
int try_threads(int count) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  size_t stack = 0;
  if (::pthread_attr_getstacksize(&gomp_thread_attr, &stack) == 0) {
    ::pthread_attr_setstacksize(&attributes, stack);
  }
  std::vector<pthread_t> threads;
  threads.reserve(static_cast<size_t>(count));
  std::mutex gate;
  int problem = 0;
  {
    const std::lock_guard shut(gate);
    for (int i = 0; i < count && problem == 0; ++i) {
      pthread_t thread = {};
      problem = ::pthread_create(&thread, &attributes, pass, &gate);
      if (problem == 0) threads.push_back(thread);
    }
  }
  for (const pthread_t thread : threads) ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
  return problem;
}

}  // namespace

void set_spinning(std::chrono::nanoseconds most) { set_looks(looks_in(most)); }

void limit_spinning() {
  using namespace std::chrono_literals;
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  // Nearly all gaps between two loops of a small model are shorter than the first. (With 40 us some
  // were not, and two threads that the kernel wakes on one CPU of two stayed there together.)
  watch.quiet_looks = looks_in(300us);
  watch.busy_looks = looks_in(500ns);
  set_looks(watch.quiet_looks);
}

std::optional<QueueTimes> queue_times() {
  const Descriptor file(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  char text[100];
  const ssize_t length = ::read(file.get(), text, sizeof text);
  if (length <= 0) return std::nullopt;
  int64_t ran = 0, waited = 0;
  const char* end = text + length;
  const auto [space, error] = std::from_chars(text, end, ran);
  if (error != std::errc() || space == end) return std::nullopt;
  if (std::from_chars(space + 1, end, waited).ec != std::errc()) return std::nullopt;
  return QueueTimes{std::chrono::nanoseconds(ran), std::chrono::nanoseconds(waited)};
}

void adapt_spinning() {
  using namespace std::chrono_literals;
  const std::unique_lock lock(watch.mutex, std::try_to_lock);
  if (!lock || watch.quiet_looks == 0) return;
  constexpr auto kWindow = 20ms;
  thread_local Clock::time_point asked;
  thread_local QueueTimes last;
  const Clock::time_point time = Clock::now();
  if (time - asked < kWindow) return;  // so long it cannot have run
  asked = time;
  const std::optional<QueueTimes> now = queue_times();
  if (!now || now->ran - last.ran < kWindow) return;
  // Threads that sleep and wake wait for each other, too: only a window of long looks tells of
  // others.
  constexpr int kBusyWindows = 10;  // before the next of those
  if (watch.busy_windows > 0) {
    --watch.busy_windows;
  } else if (is_busy({now->ran - last.ran, now->waited - last.waited})) {
    watch.busy_windows = kBusyWindows;
  }
  set_looks(watch.busy_windows > 0 ? watch.busy_looks : watch.quiet_looks);
  last = *now;
}

bool is_busy(const QueueTimes& window) { return 2 * window.waited > window.ran; }

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

void require_threads(int threads) {
  static std::atomic<int> tried = 1;
  if (threads <= tried) return;
  if (const int problem = try_threads(threads - 1)) throw no_thread(problem);
  tried = threads;
}

Error no_thread(int problem) {
  return {ErrorKind::kDevice, fmt::format("a thread cannot be started: {}", std::strerror(problem)),
          "raise the limits of processes and memory (ulimit -u, ulimit -v, pids.max of a "
          "container), leave OMP_STACKSIZE out, or give fewer `threads`"};
}

}  // namespace sd::runtime
