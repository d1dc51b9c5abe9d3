#pragma once

#include <cstdint>

#include "kernels/cpu/norm.h"

// The steps of a 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3): Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks" (2016). A tile is 4x4 pixels of the result; it
// needs 6x6 of the input. Both are taken to 36 points, where a convolution is a product of
// matrices, tiles by input channels by output channels, for each point:
//
//   gather            pixels           → patch   [6][columns][kStrip]
//   transform_input   patch            → v       [36][tiles][depth]
//   transform_weight  [O][I][3][3]     → u       [36][depth][kOutputs]
//   multiply          v, u             → m       [36][tiles][kOutputs]
//   transform_output  m                → pixels
//
// The weights are transformed where they are used: for a block of tiles that costs a few percent,
// and then they need no memory but their own. `stride` is what lies between two points, in floats.
// The depth of v and u is kDepth channels in units of 32 bits (units.h): floats, or pairs of
// bfloat16, to which both are rounded after the transforms and not before.

namespace sd::kernels::cpu::winograd {

inline constexpr int kPoints = 36;
inline constexpr int kStrip = 32;     ///< input channels gathered at a time
inline constexpr int kDepth = 128;    ///< input channels in one block of a product
inline constexpr int kOutputs = 32;   ///< output channels in one block of a product
inline constexpr int kMaxTiles = 32;  ///< tiles side by side in one patch
inline constexpr int kPatchFloats = 6 * (4 * kMaxTiles + 2) * kStrip;

/// Between two points of u, off a power of two; `depth` in units.
constexpr int64_t weight_stride(int64_t depth) { return depth * kOutputs + 16; }

/// The pixels of one picture, from one channel on.
struct Pixels {
  const float* data;      ///< [height][width][row_channels], channels next to each other
  int64_t height, width;  ///< as the convolution sees them: twice what is there, if upsampled
  int64_t pixel_stride;   ///< in floats
  int channels;           ///< to gather, at most kStrip
  bool upsample;          ///< each pixel stands for 2x2
  norm::Affine norm;      ///< of each channel, or nulls
};

/// Where a row of tiles goes: `data` is the first tile's first pixel, of block's first channel.
struct Target {
  float* data;
  const float* residual;  ///< of the same layout, or null
  int64_t row_stride, pixel_stride;
  int64_t rows, columns;  ///< that exist from `data` on; tiles may reach over
  int channels;           ///< at most kOutputs
  const float* bias;      ///< kOutputs values
  bool relu;              ///< at last, what is below zero becomes zero
};

/// Some of a weight [O][I][3][3]: the filters of one block of a product.
struct Filters {
  const float* weight;  ///< the first one's first channel, or null
  int64_t stride;       ///< from one to the next, in floats
  int outputs;          ///< how many, at most kOutputs
  int depth;            ///< channels of each, at most kDepth
};

struct Steps {
  int unit_values;  ///< channels in a unit
  /// Rows y to y+5 and columns x to x+columns-1, zeros where there are no pixels; normalised
  /// first if asked.
  void (*gather)(const Pixels& pixels, int64_t y, int64_t x, int64_t columns, float* patch);
  /// `tiles` side by side, kStrip channels of each, to v and on: tile t at v + t*depth.
  void (*transform_input)(const float* patch, int64_t tiles, int channels, float* v,
                          int64_t stride);
  /// What is missing to kOutputs becomes zeros.
  void (*transform_weight)(const Filters& filters, float* u);
  /// m = v·u, or m += v·u. The cache gets the `next` filters meanwhile, if there are any.
  void (*multiply)(const float* v, int64_t v_stride, const float* u, int64_t tiles, int depth,
                   bool add, float* m, int64_t m_stride, const Filters& next);
  void (*transform_output)(const float* m, int64_t stride, int64_t tiles, const Target& target);
};

extern const Steps kStepsAvx2;
extern const Steps kStepsAvx512;
extern const Steps kStepsAvx512Bf16;

}  // namespace sd::kernels::cpu::winograd
