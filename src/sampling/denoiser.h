#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "runtime/kernel_policy.h"

namespace sd {

/// The noise in x at time t: x [N, C, h, w] f32, t in steps of the training schedule, whole or not
/// → [N, C, h, w] f32.
using EpsModel = std::function<at::Tensor(const at::Tensor& x, double t)>;

/// A network that is given its context [k·N, 77, width] once, for all calls of the model that it
/// returns: x [N, C, h, w] → [k·N, C, h, w], row i for row i of the context and row i mod N of x.
using EpsNetwork = std::function<EpsModel(const at::Tensor& context)>;

/// Classifier-free guidance (Ho and Salimans 2022): eps_u + scale·(eps_c - eps_u), both halves in
/// one call under a context of 2N rows, the unconditional ones first. With `uncond` undefined,
/// plain calls with `cond`, which is what scale 1 means. `cond` and `uncond` are [N, 77, width],
/// `scales` has N.
EpsModel guided(const EpsNetwork& network, const at::Tensor& cond, const at::Tensor& uncond,
                const std::vector<double>& scales, const KernelPolicy& kernels = {});

}  // namespace sd
