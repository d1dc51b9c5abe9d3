#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cuda/host_device.h"

// Group normalisation of channels_last pictures in three launches: sums of each group over a chunk
// of pixels; from those what is done to each channel; and that, with or without SiLU. The functions
// are what one thread of one block does between two barriers. Statistics are float32 whatever the
// values are, of differences to the group's first value, so that a large mean costs no digits; the
// sums of the chunks are added in double. No atomics: the result is the same every time.

namespace sd::kernels::cuda {

inline constexpr int kNormThreads = 512;     ///< of a block, at most
inline constexpr int kNormFoldThreads = 64;  ///< of a block of the second launch
inline constexpr int kNormMostChannels = 4096;

/// How a picture's pixels and channels are laid over blocks and their threads.
struct NormLayout {
  int vectors;     ///< packs of one pixel's channels
  int lanes;       ///< threads side by side over them
  int rows;        ///< pixels at once
  int64_t chunk;   ///< pixels a block
  int64_t chunks;  ///< blocks a picture

  int threads() const { return lanes * rows; }
  /// Of a block of the first launch.
  int shared_floats(int channels) const { return 2 * channels * rows; }
};

inline NormLayout norm_layout(int channels, int64_t pixels, int pack_width) {
  constexpr int64_t kMostChunks = 64, kPixelsOfAThread = 8;
  NormLayout layout{};
  layout.vectors = channels / pack_width;
  layout.lanes = layout.vectors < kNormThreads ? layout.vectors : kNormThreads;
  layout.rows = kNormThreads / layout.lanes;
  if (layout.rows > pixels) layout.rows = static_cast<int>(pixels);
  const int64_t least = kPixelsOfAThread * layout.rows;
  const int64_t share = (pixels + kMostChunks - 1) / kMostChunks;
  layout.chunk = share > least ? share : least;
  layout.chunks = (pixels + layout.chunk - 1) / layout.chunk;
  return layout;
}

template <class T>
struct NormJob {
  const T* x;           ///< [N, pixels, channels]
  T* y;                 ///< [N, pixels, channels]
  const float* weight;  ///< [channels]
  const float* bias;    ///< [channels]
  float* parts;         ///< [N, chunks, groups, 2]: sum and sum of squares
  float* mean;          ///< [N, channels]; see ChannelAffine
  float* scale;         ///< [N, channels]
  float* shift;         ///< [N, channels]
  int64_t pixels;
  int channels;
  int groups;
  double eps;
  bool silu;
  NormLayout layout;

  SD_HOST_DEVICE int width() const { return channels / groups; }
  /// What the group's sums are of differences to.
  SD_HOST_DEVICE float origin(int64_t picture, int group) const {
    return static_cast<float>(x[picture * pixels * channels + group * width()]);
  }
};

// --- the first launch: block (chunk, picture), layout.threads() threads, shared_floats

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
  for (int c = thread; c < stride; c += job.layout.lanes * job.layout.rows) {
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
  for (int g = thread; g < job.groups; g += job.layout.lanes * job.layout.rows) {
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

// --- the second launch: block (group, picture), kNormFoldThreads threads, as many pairs of doubles
// --

template <class T>
SD_HOST_DEVICE void norm_gather(const NormJob<T>& job, int group, int64_t picture, int thread,
                                double* shared) {
  double sum = 0, squares = 0;
  for (int64_t chunk = thread; chunk < job.layout.chunks; chunk += kNormFoldThreads) {
    const float* from =
        job.parts + ((picture * job.layout.chunks + chunk) * job.groups + group) * 2;
    sum += from[0];
    squares += from[1];
  }
  shared[2 * thread] = sum;
  shared[2 * thread + 1] = squares;
}

/// After a barrier: what is done to each channel of the group.
template <class T>
SD_HOST_DEVICE void norm_finish(const NormJob<T>& job, int group, int64_t picture, int thread,
                                const double* shared) {
  double sum = 0, squares = 0;
  for (int i = 0; i < kNormFoldThreads; ++i) {
    sum += shared[2 * i];
    squares += shared[2 * i + 1];
  }
  const int width = job.width();
  const double count = static_cast<double>(job.pixels) * width;
  const double offset = sum / count;
  const double variance = squares / count - offset * offset;  // a little below zero, perhaps
  const double factor = 1 / sqrt((variance < 0 ? 0 : variance) + job.eps);
  const double mean = job.origin(picture, group) + offset;
  const auto rounded = static_cast<float>(mean);
  for (int c = group * width + thread; c < (group + 1) * width; c += kNormFoldThreads) {
    const int64_t to = picture * job.channels + c;
    const auto scale = static_cast<float>(job.weight[c] * factor);
    job.mean[to] = rounded;
    job.scale[to] = scale;
    // What rounding took from the mean goes here.
    job.shift[to] = static_cast<float>(job.bias[c] + (rounded - mean) * scale);
  }
}

// --- the third launch: as the first, without shared memory

SD_HOST_DEVICE float silu(float x) { return x / (1.0f + expf(-x)); }

template <int kWidth, class T>
SD_HOST_DEVICE void norm_apply(const NormJob<T>& job, int64_t chunk, int64_t picture, int thread) {
  const NormLayout& layout = job.layout;
  const int64_t begin = chunk * layout.chunk;
  const int64_t end = begin + layout.chunk < job.pixels ? begin + layout.chunk : job.pixels;
  const int64_t first = picture * job.pixels * layout.vectors;
  const auto* from = reinterpret_cast<const Pack<T, kWidth>*>(job.x) + first;
  auto* to = reinterpret_cast<Pack<T, kWidth>*>(job.y) + first;
  for (int v = thread % layout.lanes; v < layout.vectors; v += layout.lanes) {
    float mean[kWidth], scale[kWidth], shift[kWidth];
    for (int i = 0; i < kWidth; ++i) {
      const int64_t at = picture * job.channels + v * kWidth + i;
      mean[i] = job.mean[at];
      scale[i] = job.scale[at];
      shift[i] = job.shift[at];
    }
    for (int64_t p = begin + thread / layout.lanes; p < end; p += layout.rows) {
      const Pack<T, kWidth> in = from[p * layout.vectors + v];
      Pack<T, kWidth> out;
      for (int i = 0; i < kWidth; ++i) {
        const float z = (static_cast<float>(in.values[i]) - mean[i]) * scale[i] + shift[i];
        out.values[i] = static_cast<T>(job.silu ? silu(z) : z);
      }
      to[p * layout.vectors + v] = out;
    }
  }
}

}  // namespace sd::kernels::cuda
