#pragma once

#include <ATen/ATen.h>

#include "sampling/samplers/samplers.h"

// What the samplers of k-diffusion (k_diffusion/sampling.py) share. Their coefficients are computed
// as there, with torch's functions on single numbers of the latent's type: the levels between two
// steps, which the noise of a Brownian tree hangs on, are then equal to the last bit.

namespace sd::sampling {

/// The sigmas of levels, [n], on the CPU.
at::Tensor sigmas_of(std::span<const Level> levels, at::ScalarType type = at::kFloat);

/// Those of the run, of the latent's type.
inline at::Tensor sigmas_of(const SampleArgs& args) {
  return sigmas_of(args.levels, args.x.scalar_type());
}

/// Heun's step from one sigma to another; Euler's to 0.
at::Tensor heun_step(const SampleArgs& args, const at::Tensor& x, const Prediction& predicted,
                     const at::Tensor& from, const at::Tensor& to);

/// A number as a weight of a sum.
inline double weight(const at::Tensor& number) { return number.item<double>(); }

inline bool is_zero(const at::Tensor& number) { return weight(number) == 0; }

/// The step from one sigma to another in two parts: down without noise, then up by noise.
struct AncestralStep {
  at::Tensor down, up;
};
AncestralStep ancestral_step(const at::Tensor& from, const at::Tensor& to, double eta);

/// eta as asked for, or 1.
double ancestral_eta(const SampleArgs& args);

/// A latent to which noise was added, and its sigma (Karras et al. 2022, algorithm 2).
struct Churned {
  at::Tensor x, sigma;
};
/// Draws once, whether the noise is added or not. `sigmas`: of the levels; `i`: the step.
Churned churn(const SampleArgs& args, const at::Tensor& x, const at::Tensor& sigmas, int64_t i);

}  // namespace sd::sampling
