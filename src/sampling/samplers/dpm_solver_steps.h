#pragma once

#include "sampling/samplers/k_steps.h"

namespace sd::sampling {

/// Steps of DPM-Solver (Lu et al. 2022, arXiv:2206.00927) in t = -log sigma, as k-diffusion's class
/// DPMSolver: with the noise that the latent is thought to have, evaluations of one step kept.
/// Times are f32 numbers whatever the latent is.
class DpmSolverStep {
 public:
  /// From x at time t; evaluates there.
  DpmSolverStep(const SampleArgs& args, at::Tensor x, at::Tensor t);

  const at::Tensor& x0() const { return start_.x0; }

  /// The latent at another time: with one, two or three evaluations in all.
  at::Tensor first_order(const at::Tensor& to);
  at::Tensor second_order(const at::Tensor& to, double r1);
  at::Tensor third_order(const at::Tensor& to);

 private:
  const at::Tensor& eps_at_r1(const at::Tensor& to, double r1);

  const SampleArgs& args_;
  at::Tensor x_, t_;
  Prediction start_;
  at::Tensor eps_r1_;  // of the first point between, once it was asked for
};

/// t = -log sigma and back.
inline at::Tensor time_at(const at::Tensor& sigma) { return -sigma.log(); }
inline at::Tensor sigma_at(const at::Tensor& t) { return t.neg().exp(); }

/// The step from `from` to `to`, not beyond `end`, and the noise to add after it.
struct NoisyTarget {
  at::Tensor to;
  double up;
};
NoisyTarget noisy_target(const at::Tensor& from, const at::Tensor& to, const at::Tensor& end,
                         double eta);

}  // namespace sd::sampling
