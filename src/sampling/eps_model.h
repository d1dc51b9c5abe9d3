#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace sd {

/// The noise in x at time t: x [N, C, h, w] f32, t in steps of the training schedule, whole or not
/// → [N, C, h, w] f32.
using EpsModel = std::function<at::Tensor(const at::Tensor& x, double t)>;

/// The same under a context [N, 77, width].
using EpsNetwork =
    std::function<at::Tensor(const at::Tensor& x, double t, const at::Tensor& context)>;

/// Classifier-free guidance (Ho and Salimans 2022): eps_u + scale·(eps_c - eps_u), both halves in
/// one call of 2N rows, the unconditional first. With `uncond` undefined, one plain call with
/// `cond`, which is what scale 1 means. `cond` and `uncond` are [N, 77, width], `scales` has N.
EpsModel guided(EpsNetwork network, at::Tensor cond, at::Tensor uncond,
                const std::vector<double>& scales);

}  // namespace sd
