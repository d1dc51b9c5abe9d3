// Every entry of the linear and GEGLU tables over the shapes of Stable Diffusion v1: UNet at 64x64
// with guidance (two rows) and CLIP's text tower; names are tokens x in - out. One thread unless
// OMP_NUM_THREADS says otherwise; times are the thread's own where there is one. bench_conv2d times
// the peak of multiply-adds to hold the figures against.
//
//   cmake --preset release -DSD_BENCHMARKS=ON && cmake --build --preset release --target
//   bench_linear OMP_NUM_THREADS=1 build/release/benchmarks/bench_linear

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <string>

#include "every_entry.h"
#include "kernels/table.h"
#include "runtime/tensor_memory.h"

namespace {

struct Shape {
  int64_t tokens, in, out;
};

constexpr Shape kLinear[] = {
    {8192, 320, 320},  {8192, 960, 320},  {8192, 1280, 320}, {2048, 640, 640},  {2048, 1920, 640},
    {2048, 2560, 640}, {512, 1280, 1280}, {512, 2560, 1280}, {512, 5120, 1280}, {128, 1280, 1280},
    {128, 2560, 1280}, {128, 5120, 1280}, {154, 768, 320},   {154, 768, 1280},  {77, 768, 768},
    {77, 768, 3072},   {77, 3072, 768},   {1, 320, 1280},    {1, 1280, 1280},
};
constexpr Shape kGeglu[] = {
    {8192, 320, 1280}, {2048, 640, 2560}, {512, 1280, 5120}, {128, 1280, 5120}};

void set_rate(benchmark::State& state, double operations) {
  state.counters["GFLOP/s"] = benchmark::Counter(
      operations * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// `rows` is how many the weight has: out, or twice that.
template <class Entry>
void time_entry(benchmark::State& state, const Entry& entry, const Shape& shape, int64_t rows) {
  const c10::InferenceMode inference;
  const double deviation = 1 / std::sqrt(static_cast<double>(shape.in));
  const auto kernel =
      entry.make({.weight = at::randn({rows, shape.in}) * deviation, .bias = at::randn({rows})},
                 every_entry());
  if (kernel == nullptr) return state.SkipWithError("does not fit");
  const at::Tensor x = at::randn({shape.tokens, shape.in});
  for (auto _ : state) benchmark::DoNotOptimize((*kernel)(x));
  set_rate(state, 2.0 * static_cast<double>(shape.tokens * shape.in * rows));
}

template <class Entries>
void add_entries(const char* operation, const Entries& entries, std::span<const Shape> shapes,
                 int64_t rows_per_column) {
  for (const Shape& shape : shapes) {
    for (const auto& entry : entries) {
      if (!runs_here(entry)) continue;
      const std::string name = std::string(operation) + "/" + std::to_string(shape.tokens) + "x" +
                               std::to_string(shape.in) + "-" + std::to_string(shape.out) + "/" +
                               entry.name;
      benchmark::RegisterBenchmark(name.c_str(), [&, rows_per_column](benchmark::State& state) {
        time_entry(state, entry, shape, rows_per_column * shape.out);
      })->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  sd::runtime::pool_tensor_memory(size_t{1} << 30);
  add_entries("linear", sd::kernels::linear_entries(), kLinear, 1);
  add_entries("geglu", sd::kernels::geglu_entries(), kGeglu, 2);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
