#include "runtime/openmp.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "runtime/parallel.h"
#include "runtime/start_affinity.h"
#include "support/expect_error.h"
#include "support/ulimit.h"

namespace sd {
using namespace runtime;

namespace {

using namespace std::chrono_literals;

double processor_seconds() {
  struct rusage used = {};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/// Bytes of addresses that this process has mapped.
rlim_t address_space() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

/// Processor time of ten pauses of 20 ms, each after a parallel loop of LibTorch's own.
double seconds_of_pauses(const at::Tensor& values) {
  const double begin = processor_seconds();
  for (int i = 0; i < 10; ++i) {
    at::sigmoid(values);
    std::this_thread::sleep_for(20ms);
  }
  return processor_seconds() - begin;
}

TEST(OpenMp, LibTorchsThreadsSpinAsLongAsTheyAreTold) {
  if (cpus_at_start() < 2) GTEST_SKIP() << "one CPU: nothing waits for another thread";
  at::set_num_threads(2);
  const at::Tensor values = at::zeros({1 << 18});
  set_spinning(10us);
  seconds_of_pauses(values);  // starts the threads
  const double shortly = seconds_of_pauses(values);
  set_spinning(15ms);
  const double long_ones = seconds_of_pauses(values);
  EXPECT_GT(long_ones, shortly + 0.05);
  set_spinning(10us);
}

TEST(OpenMp, KnowsABusyMachineByHowLongAThreadWaits) {
  EXPECT_FALSE(is_busy({20ms, 0ms}));
  EXPECT_FALSE(is_busy({20ms, 6ms}));
  EXPECT_TRUE(is_busy({20ms, 15ms}));
  EXPECT_TRUE(is_busy({20ms, 40ms}));
}

TEST(OpenMp, ReadsHowLongItsThreadHasRunAndWaited) {
  const std::optional<QueueTimes> before = queue_times();
  if (!before) GTEST_SKIP() << "this kernel does not tell how long a thread has waited";
  const double seconds = processor_seconds() + 0.03;
  while (processor_seconds() < seconds) {
  }
  const std::optional<QueueTimes> after = queue_times();
  ASSERT_TRUE(after);
  EXPECT_GT(after->ran, before->ran + 10ms);
  EXPECT_GE(after->waited, before->waited);
}

TEST(OpenMp, IsTheOneOfTheProgram) {
  Dl_info program = {}, loops = {};
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(&set_spinning), &program), 0);
  for (const char* name : {"GOMP_parallel", "GOMP_barrier", "omp_get_max_threads"}) {
    ASSERT_NE(::dladdr(::dlsym(RTLD_DEFAULT, name), &loops), 0) << name;
    EXPECT_EQ(loops.dli_fbase, program.dli_fbase) << name << " of " << loops.dli_fname;
  }
}

TEST(OpenMp, TheThreadsThatItsVariableAsksFor) {
  EXPECT_EQ(threads_asked_for("4"), 4);
  EXPECT_EQ(threads_asked_for(" 12,2,1"), 12);
  EXPECT_EQ(threads_asked_for("3 "), 3);
  for (const char* nothing : {"", "0", "-1", "many", "4x", "99999999999"}) {
    EXPECT_EQ(threads_asked_for(nothing), std::nullopt) << nothing;
  }
  EXPECT_EQ(threads_asked_for(nullptr), std::nullopt);
}

TEST(OpenMp, ThreadsThatCannotBeStartedAreALackOfTheMachine) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need their addresses";
#endif
  EXPECT_NO_THROW(require_threads(3));
  constexpr rlim_t kRoom = rlim_t{1} << 30;  // less than the stacks of so many threads
  const test::Ulimit limit(RLIMIT_AS, address_space() + kRoom);
  test::expect_error(ErrorKind::kDevice, "a thread cannot be started",
                     [] { require_threads(1'000'000); });
  EXPECT_NO_THROW(require_threads(3)) << "they could be started before";
}

TEST(ParallelFor, CoversTheRangeOnce) {
  at::set_num_threads(2);
  std::vector<std::atomic<int>> visits(1000);
  parallel_for(0, 1000, 10, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) ++visits[static_cast<size_t>(i)];
  });
  for (const auto& count : visits) ASSERT_EQ(count, 1);
}

TEST(ParallelFor, StaysOnItsThreadForASmallLoop) {
  at::set_num_threads(2);
  const auto ranges = [](int64_t grain) {
    std::atomic<int> count = 0;
    parallel_for(0, 64, grain, [&](int64_t, int64_t) { ++count; });
    return count.load();
  };
  EXPECT_EQ(ranges(64), 1);
  EXPECT_EQ(ranges(32), 2);
  const SerialLoops serial(true);
  EXPECT_EQ(ranges(32), 1);
}

TEST(ParallelFor, ThrowsWhatTheWorkThrows) {
  at::set_num_threads(2);
  EXPECT_THROW(parallel_for(0, 2, 1, [](int64_t, int64_t) { throw std::bad_alloc(); }),
               std::bad_alloc);
}

TEST(SerialLoops, GivesTheThreadsBack) {
  at::set_num_threads(2);
  {
    const SerialLoops serial(true);
    EXPECT_EQ(at::get_num_threads(), 1);
    const SerialLoops within(false);
    EXPECT_EQ(at::get_num_threads(), 1);
  }
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(StartAffinity, IsKnownAfterAThreadIsBound) {
  const int cpus = cpus_at_start();
  std::thread([cpus] {
    cpu_set_t mask;
    ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(CPU_COUNT(&mask), cpus);
    const int first = ::sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(first), &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(cpus_at_start(), cpus);
    use_cpus_of_start();
    ASSERT_EQ(::sched_getaffinity(0, sizeof mask, &mask), 0);
    EXPECT_EQ(CPU_COUNT(&mask), cpus);
  }).join();
}

}  // namespace
}  // namespace sd
