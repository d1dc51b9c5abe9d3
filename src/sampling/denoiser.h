#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "kernels/sampler_step.h"
#include "runtime/kernel_policy.h"

namespace sd {

/// The noise in x at time t: x [N, C, h, w] f32, t in steps of the training schedule, whole or not
/// → [k·N, C, h, w] f32, for each row of x under each of k contexts.
using EpsModel = std::function<at::Tensor(const at::Tensor& x, double t)>;

/// A network that is given its context [k·N, 77, width] once, for all calls of the model that it
/// returns: x [N, C, h, w] → [k·N, C, h, w], row i for row i of the context and row i mod N of x.
using EpsNetwork = std::function<EpsModel(const at::Tensor& context)>;

/// What a sampler asks: a model of the noise, and the step that makes the next latent of what it
/// answers, guidance included.
struct Denoiser {
  EpsModel eps;
  std::shared_ptr<const SamplerStepKernel> step;
};

/// Classifier-free guidance (Ho and Salimans 2022): eps_u + scale·(eps_c - eps_u), both halves in
/// one call under a context of 2N rows, the unconditional ones first. With `uncond` undefined,
/// plain calls with `cond`, which is what scale 1 means. `cond` and `uncond` are [N, 77, width],
/// `scales` has N.
Denoiser guided(const EpsNetwork& network, const at::Tensor& cond, const at::Tensor& uncond,
                const std::vector<double>& scales, const KernelPolicy& kernels = {});

/// A model [N, C, h, w] → [N, C, h, w] that needs no guidance.
Denoiser unguided(EpsModel eps, const KernelPolicy& kernels = {});

}  // namespace sd
