#pragma once

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "kernels/guide.h"
#include "kernels/mix.h"
#include "runtime/noise.h"

namespace sd::test {

/// Sums of each length, with the weights of the samplers' steps.
inline std::vector<std::pair<std::vector<double>, double>> mix_weights() {
  return {{{0.07}, 1}, {{0.7, 0.71}, 1},        {{0.7, 0.5, 0.4}, 1},
          {{1, 1}, 2}, {{55, -59, 37, -9}, 24}, {{0.9, -0.2, 0.1, 1.25, -3, 0.5, 0.01, 2}, 1}};
}

/// Tensors for these weights, of so many pictures of 4 channels.
inline std::vector<kernels::MixTerm> mix_terms(const std::vector<double>& weights, int64_t pictures,
                                               int64_t side) {
  std::vector<kernels::MixTerm> terms;
  for (const double weight : weights) {
    terms.push_back(
        {weight, runtime::PhiloxNoise(terms.size() + 1).normal({pictures, 4, side, side})});
  }
  return terms;
}

/// What guidance reads, at a level in the middle.
inline kernels::GuideInputs guide_inputs(int64_t pictures, int64_t side, bool guided) {
  const auto numbers = [&](int64_t rows, uint64_t seed) {
    return runtime::PhiloxNoise(seed).normal({rows, 4, side, side});
  };
  return {numbers(guided ? 2 * pictures : pictures, 1), numbers(pictures, 2), 0.6, 0.8};
}

}  // namespace sd::test
