// Every entry of the attention table over the shapes of Stable Diffusion v1: self-attention and 77
// keys of context in the UNet at 64x64 with guidance, CLIP's text tower, the autoencoder's middle.
// Names are rows x heads x width, queries - keys. One thread unless OMP_NUM_THREADS says otherwise;
// times are the thread's own where there is one. bench_conv2d times the peak to hold them against.
//
//   cmake --preset release -DSD_BENCHMARKS=ON
//   cmake --build --preset release --target bench_attention
//   OMP_NUM_THREADS=1 build/release/benchmarks/bench_attention

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>

#include <string>

#include "every_entry.h"
#include "kernels/table.h"
#include "runtime/tensor_memory.h"

namespace {

struct Shape {
  int64_t rows, heads, width, queries, keys;
  bool causal = false;
};

constexpr Shape kShapes[] = {
    {2, 8, 40, 4096, 4096}, {2, 8, 80, 1024, 1024},    {2, 8, 160, 256, 256},
    {2, 8, 160, 64, 64},    {2, 8, 40, 4096, 77},      {2, 8, 80, 1024, 77},
    {2, 8, 160, 256, 77},   {1, 12, 64, 77, 77, true}, {1, 1, 512, 4096, 4096},
};

void time_entry(benchmark::State& state, const sd::kernels::AttentionEntry& entry,
                const Shape& shape) {
  const c10::InferenceMode inference;
  const auto kernel = entry.make({.heads = shape.heads, .causal = shape.causal}, every_entry());
  if (kernel == nullptr) return state.SkipWithError("does not fit");
  const int64_t columns = shape.heads * shape.width;
  const at::Tensor q = at::randn({shape.rows, shape.queries, columns});
  const at::Tensor k = at::randn({shape.rows, shape.keys, columns});
  const at::Tensor v = at::randn({shape.rows, shape.keys, columns});
  for (auto _ : state) benchmark::DoNotOptimize((*kernel)(q, k, v));
  // Of the two products; a causal one is counted whole.
  const double operations = 4.0 * static_cast<double>(q.numel() * shape.keys);
  state.counters["GFLOP/s"] = benchmark::Counter(
      operations * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  sd::runtime::pool_tensor_memory(size_t{1} << 30);
  for (const Shape& shape : kShapes) {
    for (const sd::kernels::AttentionEntry& entry : sd::kernels::attention_entries()) {
      if (!runs_here(entry)) continue;
      const std::string name = std::to_string(shape.rows) + "x" + std::to_string(shape.heads) +
                               "x" + std::to_string(shape.width) + "," +
                               std::to_string(shape.queries) + "-" + std::to_string(shape.keys) +
                               "/" + entry.name;
      benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) {
        time_entry(state, entry, shape);
      })->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
