#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "sampling/denoiser.h"

/// Denoisers of networks that tests make up.
namespace sd::test {

/// A network that is given its context [k·N, T, width] once, for all calls of the model that it
/// returns: x [N, C, h, w] → [k·N, C, h, w], row i for row i of the context and row i mod N of x.
using EpsNetwork = std::function<sampling::EpsModel(const at::Tensor& context)>;

/// A network under guidance: both halves in one call under a context of 2N rows, the unconditional
/// ones first.
struct GuidedNetwork {
  EpsNetwork network;
  at::Tensor cond;             ///< [N, T, width]
  at::Tensor uncond;           ///< the same; undefined: no guidance, which is what scale 1 means
  std::vector<double> scales;  ///< N
  /// Whether an evaluation has guidance; where it has none, `cond` is evaluated alone. Empty: all.
  std::function<bool(const sampling::Evaluation&)> guides = {};
};

inline sampling::Denoiser guided(GuidedNetwork of) {
  // A context is prepared when the first evaluation under it comes.
  struct Prepared {
    sampling::EpsModel both, alone;
  };
  sampling::ConditionedNetwork network{.answer = nullptr, .scales = {}};
  if (of.uncond.defined()) network.scales = of.scales;
  network.guides = of.guides;
  network.answer = [of = std::move(of), prepared = std::make_shared<Prepared>()](
                       const at::Tensor& x, double t, const sampling::Evaluation&, bool guided) {
    sampling::EpsModel& model = guided ? prepared->both : prepared->alone;
    if (!model) model = of.network(guided ? at::cat({of.uncond, of.cond}) : of.cond);
    return model(x, t);
  };
  return sampling::guided(std::move(network));
}

/// A model [N, C, h, w] → [N, C, h, w] that needs no guidance.
inline sampling::Denoiser unguided(sampling::EpsModel model,
                                   sampling::Predicts predicts = sampling::Predicts::kEps) {
  sampling::ConditionedNetwork network{.answer = nullptr, .scales = {}};
  network.predicts = predicts;
  network.answer = [model = std::move(model)](const at::Tensor& x, double t,
                                              const sampling::Evaluation&,
                                              bool) { return model(x, t); };
  return sampling::guided(std::move(network));
}

}  // namespace sd::test
