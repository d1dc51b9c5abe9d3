#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/float_pair.h"
#include "kernels/cuda/host_device.h"

// Group normalisation of channels_last pictures in two launches: sums of each group over a chunk of
// pixels; and, once every block has made of those what is done to each group, the norm itself, with
// or without SiLU. The functions are what one thread of one block does between two barriers.
// Statistics are float32 whatever the values are, of differences to the group's first value, so
// that a large mean costs no digits; the sums of the chunks are added in pairs of floats. No
// atomics: the result is the same every time.

namespace sd::kernels::cuda {

inline constexpr int kNormThreads = 512;  ///< of a block, at most
inline constexpr int kNormMostChannels = 4096;
inline constexpr int kNormMostGroups = 512;

/// How a picture's pixels and channels are laid over blocks and their threads.
struct NormLayout {
  int vectors;     ///< packs of one pixel's channels
  int lanes;       ///< threads side by side over them
  int rows;        ///< pixels at once
  int slots;       ///< threads that add the chunks of one group
  int64_t chunk;   ///< pixels a block
  int64_t chunks;  ///< blocks a picture

  int threads() const { return lanes * rows; }
  /// Of a block of the first launch.
  int sums_floats(int channels) const { return 2 * channels * rows; }
  /// Of a block that reads the sums.
  int groups_floats(int groups) const { return 4 * groups * slots; }
};

struct NormShape {
  int channels;
  int groups;
  int64_t pixels;
  int64_t pictures;
};

/// `processors`: of the card; each gets two blocks, where there is enough for them to do.
inline NormLayout norm_layout(const NormShape& shape, int pack_width, int processors) {
  constexpr int64_t kMostChunks = 128;  // every block reads the sums of all
  constexpr int64_t kBlocksOfAProcessor = 2, kPixelsOfAThread = 2;
  constexpr int kMostSlots = 8;
  const auto over = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  NormLayout layout{};
  layout.vectors = shape.channels / pack_width;
  layout.lanes = layout.vectors < kNormThreads ? layout.vectors : kNormThreads;
  layout.rows = kNormThreads / layout.lanes;
  if (layout.rows > shape.pixels) layout.rows = static_cast<int>(shape.pixels);
  const int slots = layout.threads() / shape.groups;
  layout.slots = slots < 1 ? 1 : slots > kMostSlots ? kMostSlots : slots;
  const int64_t wanted = over(kBlocksOfAProcessor * processors, shape.pictures);
  const int64_t share = over(shape.pixels, wanted < kMostChunks ? wanted : kMostChunks);
  const int64_t least = kPixelsOfAThread * layout.rows;
  layout.chunk = share > least ? share : least;
  layout.chunks = over(shape.pixels, layout.chunk);
  return layout;
}

template <class T>
struct NormJob {
  const T* x;           ///< [N, pixels, channels]
  T* y;                 ///< [N, pixels, channels]; not for the affine
  const float* weight;  ///< [channels]
  const float* bias;    ///< [channels]
  float* parts;         ///< [N, chunks, groups, 2]: sum and sum of squares
  float* mean;          ///< [N, channels]; see ChannelAffine. For the affine only, as those below
  float* scale;         ///< [N, channels]
  float* shift;         ///< [N, channels]
  int64_t pixels;
  int channels;
  int groups;
  float eps;
  bool silu;
  FloatPair one_over_count;  ///< of a group's values
  NormLayout layout;

  SD_HOST_DEVICE int width() const { return channels / groups; }
  SD_HOST_DEVICE int threads() const { return layout.lanes * layout.rows; }
  /// What the group's sums are of differences to.
  SD_HOST_DEVICE float origin(int64_t picture, int group) const {
    return static_cast<float>(x[picture * pixels * channels + group * width()]);
  }
};

// --- the first launch: block (chunk, picture), layout.threads() threads, sums_floats

template <int kWidth, class T>
SD_HOST_DEVICE void norm_accumulate(const NormJob<T>& job, int64_t chunk, int64_t picture,
                                    int thread, float* shared) {
  const NormLayout& layout = job.layout;
  const int row = thread / layout.lanes;
  const int64_t begin = chunk * layout.chunk;
  const int64_t end = begin + layout.chunk < job.pixels ? begin + layout.chunk : job.pixels;
  const auto* from =
      reinterpret_cast<const Pack<T, kWidth>*>(job.x) + picture * job.pixels * layout.vectors;
  for (int v = thread % layout.lanes; v < layout.vectors; v += layout.lanes) {
    float origin[kWidth], sum[kWidth], squares[kWidth];
    for (int i = 0; i < kWidth; ++i) {
      origin[i] = job.origin(picture, (v * kWidth + i) / job.width());
      sum[i] = squares[i] = 0;
    }
    for (int64_t pixel = begin + row; pixel < end; pixel += layout.rows) {
      const Pack<T, kWidth> pack = from[pixel * layout.vectors + v];
      for (int i = 0; i < kWidth; ++i) {
        const float difference = static_cast<float>(pack.values[i]) - origin[i];
        sum[i] += difference;
        squares[i] += difference * difference;
      }
    }
    float* to = shared + 2 * job.channels * row + v * kWidth;
    for (int i = 0; i < kWidth; ++i) {
      to[i] = sum[i];
      to[job.channels + i] = squares[i];
    }
  }
}

/// After a barrier: the rows' sums into the first row.
template <class T>
SD_HOST_DEVICE void norm_fold_rows(const NormJob<T>& job, int thread, float* shared) {
  const int stride = 2 * job.channels;
  for (int c = thread; c < stride; c += job.threads()) {
    float sum = shared[c];
    for (int row = 1; row < job.layout.rows; ++row) sum += shared[row * stride + c];
    shared[c] = sum;
  }
}

/// After a barrier: the channels' sums into their group's.
template <class T>
SD_HOST_DEVICE void norm_fold_channels(const NormJob<T>& job, int64_t chunk, int64_t picture,
                                       int thread, const float* shared) {
  const int width = job.width();
  for (int g = thread; g < job.groups; g += job.threads()) {
    float sum = 0, squares = 0;
    for (int c = g * width; c < (g + 1) * width; ++c) {
      sum += shared[c];
      squares += shared[job.channels + c];
    }
    float* to = job.parts + ((picture * job.layout.chunks + chunk) * job.groups + g) * 2;
    to[0] = sum;
    to[1] = squares;
  }
}

// --- the second launch: block (chunk, picture), layout.threads() threads, groups_floats; and, for
// the affine alone, block (picture)

/// The sums of every slots-th chunk: [slots, groups] of two pairs.
template <class T>
SD_HOST_DEVICE void norm_gather(const NormJob<T>& job, int64_t picture, int thread, float* shared) {
  const int slots = job.layout.slots;
  for (int i = thread; i < slots * job.groups; i += job.threads()) {
    const int group = i % job.groups;
    FloatPair sum, squares;
    for (int64_t chunk = i / job.groups; chunk < job.layout.chunks; chunk += slots) {
      const float* from =
          job.parts + ((picture * job.layout.chunks + chunk) * job.groups + group) * 2;
      sum = pair_add(sum, {from[0], 0});
      squares = pair_add(squares, {from[1], 0});
    }
    float* to = shared + 4 * i;
    to[0] = sum.high;
    to[1] = sum.low;
    to[2] = squares.high;
    to[3] = squares.low;
  }
}

/// After a barrier: each group's mean, what rounding took from it and 1/deviation, in the first
/// slot's place.
template <class T>
SD_HOST_DEVICE void norm_finish(const NormJob<T>& job, int64_t picture, int thread, float* shared) {
  for (int group = thread; group < job.groups; group += job.threads()) {
    FloatPair sum, squares;
    for (int slot = 0; slot < job.layout.slots; ++slot) {
      const float* from = shared + 4 * (slot * job.groups + group);
      sum = pair_add(sum, {from[0], from[1]});
      squares = pair_add(squares, {from[2], from[3]});
    }
    const FloatPair offset = pair_multiply(sum, job.one_over_count);
    const FloatPair square = pair_multiply(offset, offset);
    const FloatPair spread =
        pair_add(pair_multiply(squares, job.one_over_count), {-square.high, -square.low});
    const float variance = spread.high + spread.low;  // a little below zero, perhaps
    const FloatPair mean = pair_add({job.origin(picture, group), 0}, offset);
    float* to = shared + 4 * group;
    to[0] = mean.high;
    to[1] = mean.low;
    to[2] = 1.0f / sqrtf((variance < 0 ? 0 : variance) + job.eps);
  }
}

/// After a barrier: what is done to one channel, (x - mean)·scale + shift.
struct NormChannel {
  float mean, scale, shift;
};

template <class T>
SD_HOST_DEVICE NormChannel norm_channel(const NormJob<T>& job, int channel, const float* shared) {
  const float* group = shared + 4 * (channel / job.width());
  const float scale = job.weight[channel] * group[2];
  // What rounding took from the mean goes into the shift.
  return {group[0], scale, job.bias[channel] - group[1] * scale};
}

template <class T>
SD_HOST_DEVICE void norm_write_affine(const NormJob<T>& job, int64_t picture, int thread,
                                      const float* shared) {
  for (int c = thread; c < job.channels; c += job.threads()) {
    const NormChannel channel = norm_channel(job, c, shared);
    job.mean[picture * job.channels + c] = channel.mean;
    job.scale[picture * job.channels + c] = channel.scale;
    job.shift[picture * job.channels + c] = channel.shift;
  }
}

SD_HOST_DEVICE float silu(float x) { return x / (1.0f + expf(-x)); }

template <int kWidth, class T>
SD_HOST_DEVICE void norm_apply(const NormJob<T>& job, int64_t chunk, int64_t picture, int thread,
                               const float* shared) {
  const NormLayout& layout = job.layout;
  const int64_t begin = chunk * layout.chunk;
  const int64_t end = begin + layout.chunk < job.pixels ? begin + layout.chunk : job.pixels;
  const int64_t first = picture * job.pixels * layout.vectors;
  const auto* from = reinterpret_cast<const Pack<T, kWidth>*>(job.x) + first;
  auto* to = reinterpret_cast<Pack<T, kWidth>*>(job.y) + first;
  for (int v = thread % layout.lanes; v < layout.vectors; v += layout.lanes) {
    NormChannel channels[kWidth];
    for (int i = 0; i < kWidth; ++i) channels[i] = norm_channel(job, v * kWidth + i, shared);
    for (int64_t p = begin + thread / layout.lanes; p < end; p += layout.rows) {
      const Pack<T, kWidth> in = from[p * layout.vectors + v];
      Pack<T, kWidth> out;
      for (int i = 0; i < kWidth; ++i) {
        const NormChannel& c = channels[i];
        const float z = (static_cast<float>(in.values[i]) - c.mean) * c.scale + c.shift;
        out.values[i] = static_cast<T>(job.silu ? silu(z) : z);
      }
      to[p * layout.vectors + v] = out;
    }
  }
}

}  // namespace sd::kernels::cuda
