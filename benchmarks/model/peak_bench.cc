// Multiply-adds in registers on as many threads as the argument says (one): what the processor can
// do at most in float32. Prints one line of JSON: its set of instructions and GFLOP/s, the best of
// several tries.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "kernels/cpu/peak.h"
#include "runtime/kernel_policy.h"

namespace {

constexpr int64_t kSteps = int64_t{1} << 22;
constexpr int kTries = 7;

double try_once(const sd::kernels::cpu::Peak& peak, int threads) {
  volatile float sink = 0;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back([&] { sink = peak.run(kSteps); });
  for (std::thread& worker : workers) worker.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return static_cast<double>(peak.operations * kSteps) * threads / took.count();
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
  const sd::runtime::Isa isa = sd::runtime::probe_isa();
  if (isa < sd::runtime::Isa::kAvx2) {
    std::fprintf(stderr, "error: expected a processor with AVX2 and FMA, found none of them\n");
    return 5;
  }
  const sd::kernels::cpu::Peak& peak = isa >= sd::runtime::Isa::kAvx512
                                           ? sd::kernels::cpu::kPeakAvx512
                                           : sd::kernels::cpu::kPeakAvx2;
  double best = 0;
  for (int i = 0; i < kTries; ++i) best = std::max(best, try_once(peak, threads));
  std::printf("{\"isa\": \"%s\", \"threads\": %d, \"gflops\": %.1f}\n", sd::runtime::isa_name(isa),
              threads, best * 1e-9);
  return 0;
}
