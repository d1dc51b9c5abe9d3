#pragma once

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "kernels/sampler_step.h"
#include "runtime/noise.h"

namespace sd::test {

/// Steps of each form that the samplers take, with values of their size.
inline std::vector<std::pair<const char*, StepCoefficients>> sampler_steps() {
  const StepCoefficients ddim{
      .x0_eps = 0.8F, .x0_x = 0.6F, .next_x0 = 0.7F, .next_eps = 0.71F, .next_noise = 0};
  StepCoefficients ancestral = ddim, euler = ddim, adams = ddim;
  ancestral.next_eps = 0.5F;
  ancestral.next_noise = 0.4F;
  euler.older[0] = 1;
  euler.divisor = 2;
  adams.now = 55;
  adams.older[0] = -59;
  adams.older[1] = 37;
  adams.older[2] = -9;
  adams.divisor = 24;
  const StepCoefficients first{.x0_eps = 0.8F, .x0_x = 0.6F, .next_x = 0.9F, .next_x0 = 0.2F};
  StepCoefficients second = first;
  second.next_slope = 0.1F;
  second.slope = 1.25F;
  return {{"ddim", ddim},   {"ancestral", ancestral}, {"euler", euler},
          {"adams", adams}, {"first order", first},   {"second order", second}};
}

/// What `step` reads and nothing else, for so many pictures of 4 channels.
inline SamplerStepInputs inputs_of(const StepCoefficients& step, int64_t pictures, int64_t side,
                                   bool guided) {
  const auto numbers = [&](int64_t rows, uint64_t seed) {
    return PhiloxNoise(seed).normal({rows, 4, side, side});
  };
  SamplerStepInputs inputs{.eps = numbers(guided ? 2 * pictures : pictures, 1),
                           .x = numbers(pictures, 2)};
  for (size_t k = 0; k < kOlderEps; ++k) {
    if (step.older[k] != 0) inputs.older[k] = numbers(pictures, 3 + k);
  }
  if (step.next_noise != 0) inputs.noise = numbers(pictures, 9);
  if (step.next_slope != 0) inputs.x0_before = numbers(pictures, 10);
  return inputs;
}

}  // namespace sd::test
