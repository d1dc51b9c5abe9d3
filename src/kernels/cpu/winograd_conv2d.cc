#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/winograd.h"
#include "kernels/cpu/workspace.h"
#include "runtime/parallel.h"

namespace sd::kernels::cpu {
namespace {

using namespace winograd;

/// Tiles in one product: their 36 points of kOutputs channels stay in the second-level cache.
constexpr int64_t kBlockTiles = 112;
/// Up to here reading the weights takes a good part of the time, and the cache has room for the
/// next.
constexpr int64_t kFewTiles = 32;
/// From so many blocks a thread on, each thread has tiles of its own: then no cache waits for what
/// another has made, and no thread for the others. With fewer they share, and divide the weights.
constexpr int64_t kPartsOfAThread = 4;
/// The transformed input of the tiles that are worked on together: it should stay in the third.
constexpr int64_t kInputFloats = int64_t{3} << 20;

int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Tiles next to each other in one row of one picture.
struct Run {
  int64_t begin, count;   ///< in the order of all tiles
  int64_t picture, y, x;  ///< of the first tile, in tiles
};

/// The tiles of a batch, picture by picture and row by row.
struct Tiling {
  int64_t pictures, height, width;  ///< in tiles

  int64_t count() const { return pictures * height * width; }

  /// The first run of [begin, end), of at most kMaxTiles.
  Run run(int64_t begin, int64_t end) const {
    const int64_t x = begin % width;
    const int64_t count = std::min({end - begin, width - x, int64_t{kMaxTiles}});
    return {begin, count, begin / (width * height), begin / width % height, x};
  }
};

class WinogradConv2d final : public Conv2dKernel {
 public:
  WinogradConv2d(const Conv2dSpec& spec, const Steps& steps)
      : steps_(steps),
        weight_(spec.weight),
        bias_(spec.bias),
        depth_(kDepth / steps.unit_values),
        out_(spec.weight.size(0)),
        in_(spec.weight.size(1)) {}

  at::Tensor operator()(const Conv2dInputs& inputs) const override;

 private:
  /// One call's tensors and sizes.
  struct Call {
    at::Tensor x, y, residual;
    at::Tensor bias;  // [N, O rounded up to kOutputs]
    ChannelAffine norm;
    bool upsample;
    bool relu;
    Tiling tiling;
  };

  at::Tensor all_bias(const Conv2dInputs& inputs) const;
  Filters filters_at(int64_t output, int64_t c) const;
  std::vector<Run> runs_of(const Call& call, int64_t begin, int64_t end) const;
  void transform_run(const Call& call, const Run& run, int64_t strip, float* v,
                     int64_t stride) const;
  void transform_tiles(const Call& call, int64_t begin, int64_t end, float* v,
                       int64_t stride) const;
  void multiply_tiles(const Call& call, int64_t begin, int64_t first, int64_t last, int64_t output,
                      const float* v, int64_t stride) const;
  void finish_tiles(const Call& call, int64_t begin, int64_t end, int64_t output, const float* m,
                    int64_t stride) const;
  void share_tiles(const Call& call) const;
  void part_tiles(const Call& call) const;

  const Steps& steps_;
  at::Tensor weight_;  // [O, I, 3, 3] as it is in the checkpoint
  at::Tensor bias_;
  int64_t depth_;  // of one block of a product, in units
  int64_t out_;
  int64_t in_;
};

/// What is added to each channel of each picture.
at::Tensor WinogradConv2d::all_bias(const Conv2dInputs& inputs) const {
  at::Tensor all = at::zeros({inputs.x.size(0), div_up(out_, kOutputs) * kOutputs},
                             at::TensorOptions(at::kFloat));
  at::Tensor used = all.narrow(1, 0, out_);
  if (bias_.defined()) used.add_(bias_);
  if (inputs.channels.defined()) used.add_(inputs.channels);
  return all;
}

std::vector<Run> WinogradConv2d::runs_of(const Call& call, int64_t begin, int64_t end) const {
  std::vector<Run> runs;
  for (int64_t t = begin; t < end; t += runs.back().count) {
    runs.push_back(call.tiling.run(t, end));
  }
  return runs;
}

/// kStrip channels of a run to v [channel block][36][tiles][depth_], from the run's first tile on.
void WinogradConv2d::transform_run(const Call& call, const Run& run, int64_t strip, float* v,
                                   int64_t stride) const {
  float* patch = workspace(Workspace::kOwn, kPatchFloats);
  const int64_t picture = call.x.size(2) * call.x.size(3) * in_;
  const int64_t c = strip * kStrip;
  Pixels pixels{.data = call.x.const_data_ptr<float>() + run.picture * picture + c,
                .height = call.y.size(2),
                .width = call.y.size(3),
                .pixel_stride = in_,
                .channels = static_cast<int>(std::min<int64_t>(kStrip, in_ - c)),
                .upsample = call.upsample,
                .norm = {}};
  if (call.norm.scale.defined()) {
    const int64_t at = run.picture * in_ + c;
    pixels.norm = {call.norm.mean.const_data_ptr<float>() + at,
                   call.norm.scale.const_data_ptr<float>() + at,
                   call.norm.shift.const_data_ptr<float>() + at, call.norm.silu};
  }
  steps_.gather(pixels, 4 * run.y - 1, 4 * run.x - 1, 4 * run.count + 2, patch);
  steps_.transform_input(patch, run.count, pixels.channels,
                         v + c / kDepth * kPoints * stride + c % kDepth / steps_.unit_values,
                         stride);
}

/// Fills v [channel block][36][tiles][depth_], on all threads.
void WinogradConv2d::transform_tiles(const Call& call, int64_t begin, int64_t end, float* v,
                                     int64_t stride) const {
  const std::vector<Run> runs = runs_of(call, begin, end);
  const int64_t strips = div_up(in_, kStrip);
  const auto items = static_cast<int64_t>(runs.size()) * strips;
  constexpr int64_t kLeastValues = 1 << 15;  // of v, that are worth a thread of their own
  const int64_t values = (end - begin) * kPoints * in_ / std::max<int64_t>(1, items);
  const int64_t grain = std::max<int64_t>(1, kLeastValues / std::max<int64_t>(1, values));
  runtime::parallel_for(0, items, grain, [&](int64_t first, int64_t last) {
    for (int64_t item = first; item < last; ++item) {
      const Run& run = runs[static_cast<size_t>(item / strips)];
      transform_run(call, run, item % strips, v + (run.begin - begin) * depth_, stride);
    }
  });
}

/// Of kOutputs outputs from `output` on the kDepth channels from c on; if there are none, the first
/// of the next outputs.
Filters WinogradConv2d::filters_at(int64_t output, int64_t c) const {
  if (c >= in_) return output + kOutputs < out_ ? filters_at(output + kOutputs, 0) : Filters{};
  return {.weight = weight_.const_data_ptr<float>() + (output * in_ + c) * 9,
          .stride = in_ * 9,
          .outputs = static_cast<int>(std::min<int64_t>(kOutputs, out_ - output)),
          .depth = static_cast<int>(std::min<int64_t>(kDepth, in_ - c))};
}

/// The tiles [first, last) of those whose v begins at tile `begin`, for kOutputs channels.
void WinogradConv2d::multiply_tiles(const Call& call, int64_t begin, int64_t first, int64_t last,
                                    int64_t output, const float* v, int64_t stride) const {
  const int64_t m_stride = (last - first) * kOutputs + 16;
  const int64_t u_stride = weight_stride(depth_);
  float* u = workspace(Workspace::kOwn, static_cast<size_t>(kPoints * (u_stride + m_stride)));
  float* m = u + kPoints * u_stride;
  const bool few = last - first <= kFewTiles;
  for (int64_t c = 0; c < in_; c += kDepth) {
    const Filters filters = filters_at(output, c);
    steps_.transform_weight(filters, u);
    steps_.multiply(v + c / kDepth * kPoints * stride + (first - begin) * depth_, stride, u,
                    last - first, filters.depth, c > 0, m, m_stride,
                    few ? filters_at(output, c + kDepth) : Filters{});
  }
  finish_tiles(call, first, last, output, m, m_stride);
}

void WinogradConv2d::finish_tiles(const Call& call, int64_t begin, int64_t end, int64_t output,
                                  const float* m, int64_t stride) const {
  const int64_t height = call.y.size(2), width = call.y.size(3);
  for (int64_t t = begin; t < end;) {
    const Run run = call.tiling.run(t, end);
    const int64_t pixel = (run.picture * height + 4 * run.y) * width + 4 * run.x;
    const int64_t at = pixel * out_ + output;
    const Target target{
        .data = call.y.mutable_data_ptr<float>() + at,
        .residual = call.residual.defined() ? call.residual.const_data_ptr<float>() + at : nullptr,
        .row_stride = width * out_,
        .pixel_stride = out_,
        .rows = height - 4 * run.y,
        .columns = width - 4 * run.x,
        .channels = static_cast<int>(std::min<int64_t>(kOutputs, out_ - output)),
        .bias = call.bias.const_data_ptr<float>() + run.picture * call.bias.size(1) + output,
        .relu = call.relu};
    steps_.transform_output(m + (t - begin) * kOutputs, stride, run.count, target);
    t += run.count;
  }
}

/// Group by group: all threads transform its tiles, and then each multiplies some of its outputs.
void WinogradConv2d::share_tiles(const Call& call) const {
  const int64_t depths = div_up(in_, kDepth), blocks = div_up(out_, kOutputs);
  const int64_t group = std::clamp(kInputFloats / (kPoints * depth_ * depths), int64_t{28},
                                   kBlockTiles * div_up(at::get_num_threads(), blocks));
  const int64_t tiles = call.tiling.count(), groups = div_up(tiles, group);
  for (int64_t i = 0; i < groups; ++i) {
    const int64_t begin = tiles * i / groups, end = tiles * (i + 1) / groups;
    const int64_t stride = (end - begin) * depth_ + 16;
    float* v = workspace(Workspace::kShared, static_cast<size_t>(depths * kPoints * stride));
    transform_tiles(call, begin, end, v, stride);
    const int64_t parts = div_up(end - begin, kBlockTiles);
    runtime::parallel_for(0, blocks * parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t item = first; item < last; ++item) {
        const int64_t part = item % parts;
        multiply_tiles(call, begin, begin + (end - begin) * part / parts,
                       begin + (end - begin) * (part + 1) / parts, item / parts * kOutputs, v,
                       stride);
      }
    });
  }
}

/// Each thread takes tiles of its own from their pixels to the results.
void WinogradConv2d::part_tiles(const Call& call) const {
  const int64_t tiles = call.tiling.count(), threads = at::get_num_threads();
  const int64_t parts = threads * div_up(tiles, threads * kBlockTiles);
  const int64_t stride = kBlockTiles * depth_ + 16;
  runtime::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    float* v =
        workspace(Workspace::kShared, static_cast<size_t>(div_up(in_, kDepth) * kPoints * stride));
    for (int64_t part = first; part < last; ++part) {
      const int64_t begin = tiles * part / parts, end = tiles * (part + 1) / parts;
      for (const Run& run : runs_of(call, begin, end)) {
        for (int64_t strip = 0; strip < div_up(in_, kStrip); ++strip) {
          transform_run(call, run, strip, v + (run.begin - begin) * depth_, stride);
        }
      }
      for (int64_t output = 0; output < out_; output += kOutputs) {
        multiply_tiles(call, begin, begin, end, output, v, stride);
      }
    }
  });
}

at::Tensor WinogradConv2d::operator()(const Conv2dInputs& inputs) const {
  constexpr auto kLast = at::MemoryFormat::ChannelsLast;
  Call call{.x = inputs.x.contiguous(kLast),
            .y = {},
            .residual = {},
            .bias = all_bias(inputs),
            .norm = {},
            .upsample = inputs.upsample,
            .relu = inputs.relu,
            .tiling = {}};
  const int64_t times = inputs.upsample ? 2 : 1;
  const int64_t height = call.x.size(2) * times, width = call.x.size(3) * times;
  call.y = at::empty({call.x.size(0), out_, height, width},
                     at::TensorOptions(at::kFloat).memory_format(kLast));
  if (call.y.numel() == 0) return call.y;
  if (inputs.residual.defined()) call.residual = inputs.residual.contiguous(kLast);
  if (inputs.norm != nullptr) call.norm = inputs.norm->affine(call.x);
  call.tiling = {call.x.size(0), div_up(height, 4), div_up(width, 4)};

  if (call.tiling.count() >= kPartsOfAThread * kBlockTiles * at::get_num_threads()) {
    part_tiles(call);
  } else {
    share_tiles(call);
  }
  return call.y;
}

std::unique_ptr<const Conv2dKernel> make_winograd(const Conv2dSpec& spec, const Steps& steps) {
  const at::Tensor& weight = spec.weight;
  const bool fits = weight.size(2) == 3 && weight.size(3) == 3 && spec.stride == 1 &&
                    spec.padding == 1 && weight.size(1) >= 8 &&
                    weight.scalar_type() == at::kFloat && weight.is_contiguous();
  return fits ? std::make_unique<WinogradConv2d>(spec, steps) : nullptr;
}

}  // namespace

std::unique_ptr<const Conv2dKernel> make_winograd_avx2(const Conv2dSpec& spec,
                                                       const runtime::KernelPolicy&) {
  return make_winograd(spec, kStepsAvx2);
}
std::unique_ptr<const Conv2dKernel> make_winograd_avx512(const Conv2dSpec& spec,
                                                         const runtime::KernelPolicy&) {
  return make_winograd(spec, kStepsAvx512);
}

/// Few outputs take next to no time, and they are what a network ends in.
std::unique_ptr<const Conv2dKernel> make_winograd_avx512bf16(const Conv2dSpec& spec,
                                                             const runtime::KernelPolicy& policy) {
  const bool worthwhile = policy.bf16_convolutions && spec.weight.size(0) >= kOutputs;
  return worthwhile ? make_winograd(spec, kStepsAvx512Bf16) : nullptr;
}

}  // namespace sd::kernels::cpu
