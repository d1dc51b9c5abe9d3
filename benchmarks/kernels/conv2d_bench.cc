// Every entry of the convolution table over the shapes of Stable Diffusion v1: UNet at 64x64 with
// guidance (two rows), decoder to 512x512. GFLOP/s are those of a direct convolution, whatever the
// entry does; multiply-adds in registers are timed in the same run. One thread unless
// OMP_NUM_THREADS says otherwise; times are the thread's own where there is one.
//
//   cmake --preset release -DSD_BENCHMARKS=ON && cmake --build --preset release --target
//   bench_conv2d OMP_NUM_THREADS=1 build/release/benchmarks/bench_conv2d --benchmark_filter=320@64

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <string>

#include "every_entry.h"
#include "kernels/cpu/peak.h"
#include "kernels/table.h"
#include "runtime/tensor_memory.h"

namespace {

struct Shape {
  int64_t rows, in, out, size;
};

constexpr Shape kShapes[] = {
    {2, 4, 320, 64},    {2, 320, 320, 64},  {2, 640, 640, 32},   {2, 1280, 1280, 16},
    {2, 1280, 1280, 8}, {2, 2560, 1280, 8}, {2, 2560, 1280, 16}, {2, 1920, 1280, 16},
    {2, 1920, 640, 32}, {2, 1280, 640, 32}, {2, 960, 640, 32},   {2, 960, 320, 64},
    {2, 640, 320, 64},  {2, 320, 4, 64},    {1, 4, 512, 64},     {1, 512, 512, 64},
    {1, 512, 512, 128}, {1, 512, 512, 256}, {1, 512, 256, 256},  {1, 256, 256, 256},
    {1, 256, 128, 512}, {1, 128, 128, 512}, {1, 128, 3, 512},
};

void set_rate(benchmark::State& state, double operations) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      operations * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void time_peak(benchmark::State& state, const sd::kernels::cpu::Peak& peak) {
  constexpr int64_t kSteps = 1 << 20;
  for (auto _ : state) benchmark::DoNotOptimize(peak.run(kSteps));
  set_rate(state, static_cast<double>(peak.operations * kSteps));
}

void time_entry(benchmark::State& state, const sd::kernels::Conv2dEntry& entry,
                const Shape& shape) {
  const c10::InferenceMode inference;
  const double deviation = 1 / std::sqrt(9.0 * static_cast<double>(shape.in));
  const auto kernel = entry.make({.weight = at::randn({shape.out, shape.in, 3, 3}) * deviation,
                                  .bias = at::randn({shape.out}),
                                  .padding = 1},
                                 every_entry());
  if (kernel == nullptr) return state.SkipWithError("does not fit");
  const at::Tensor x = at::randn({shape.rows, shape.in, shape.size, shape.size})
                           .contiguous(at::MemoryFormat::ChannelsLast);
  for (auto _ : state) benchmark::DoNotOptimize((*kernel)(x));
  set_rate(state, 18.0 * static_cast<double>(x.numel() * shape.out));
}

void add_peaks() {
  const sd::runtime::Isa isa = sd::runtime::probe_isa();
  const auto add = [&](sd::runtime::Isa needs, const sd::kernels::cpu::Peak& peak) {
    if (needs > isa) return;
    benchmark::RegisterBenchmark((std::string("peak/") + sd::runtime::isa_name(needs)).c_str(),
                                 [&](benchmark::State& state) { time_peak(state, peak); });
  };
  add(sd::runtime::Isa::kAvx2, sd::kernels::cpu::kPeakAvx2);
  add(sd::runtime::Isa::kAvx512, sd::kernels::cpu::kPeakAvx512);
}

void add_entries() {
  for (const Shape& shape : kShapes) {
    for (const sd::kernels::Conv2dEntry& entry : sd::kernels::conv2d_entries()) {
      if (!runs_here(entry)) continue;
      const std::string name = std::to_string(shape.in) + "-" + std::to_string(shape.out) + "@" +
                               std::to_string(shape.size) + "/" + entry.name;
      benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) {
        time_entry(state, entry, shape);
      })->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  sd::runtime::pool_tensor_memory(size_t{1} << 30);
  add_peaks();
  add_entries();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
