#include "sampling/denoiser.h"

#include <ATen/ATen.h>

#include <memory>
#include <utility>

#include "kernels/table.h"

namespace sd::sampling {
namespace {

/// A model, and what is made of its answer: eps and x0, guided.
class Predictor {
 public:
  Predictor(EpsModel model, at::Tensor scales, Predicts predicts,
            const runtime::KernelPolicy& kernels)
      : model_(std::move(model)),
        predicts_(predicts),
        guided_(scales.defined()),
        guide_(kernels::choose_kernel(kernels::guide_entries(),
                                      kernels::GuideSpec{std::move(scales)}, kernels)),
        mix_(kernels::choose_kernel(kernels::mix_entries(), kernels::MixSpec{}, kernels)) {}

  Prediction operator()(const at::Tensor& x, const Level& at) const {
    const double scale = input_scale(at);
    const at::Tensor scaled = scale == 1 ? x : (*mix_)({{scale, x}});
    const at::Tensor answer = model_(scaled, at.t);
    if (predicts_ == Predicts::kV) return of_velocity(answer, scaled, at);
    const kernels::GuidedAnswer both = (*guide_)({answer, x, at.alpha, at.sigma});
    return {both.x0, both.eps, guided_ ? answer.narrow(0, 0, x.size(0)) : both.eps};
  }

 private:
  /// With a = alpha/s and b = sigma/s, s = hypot(alpha, sigma): x/s = a·x0 + b·eps, v = a·eps -
  /// b·x0.
  Prediction of_velocity(const at::Tensor& answer, const at::Tensor& scaled,
                         const Level& at) const {
    const double size = std::hypot(at.alpha, at.sigma);
    const double a = at.alpha / size, b = at.sigma / size;
    const auto eps_of = [&](const at::Tensor& v) { return (*mix_)({{a, v}, {b, scaled}}); };
    const at::Tensor v = (*guide_)({answer, scaled, 1, 0}).eps;
    const at::Tensor eps = eps_of(v);
    return {(*mix_)({{a, scaled}, {-b, v}}), eps,
            guided_ ? eps_of(answer.narrow(0, 0, scaled.size(0))) : eps};
  }

  EpsModel model_;
  Predicts predicts_;
  bool guided_;
  std::shared_ptr<const kernels::GuideKernel> guide_;
  std::shared_ptr<const kernels::MixKernel> mix_;
};

}  // namespace

Prediction Denoiser::operator()(const at::Tensor& x, const Level& at) {
  const Evaluation evaluation{evaluations_++, at};
  Prediction prediction = predict_(x, evaluation);
  for (const Edit& edit : edits_) edit(&prediction, evaluation);
  return prediction;
}

Denoiser guided(ConditionedNetwork of, const runtime::KernelPolicy& kernels) {
  const auto now = std::make_shared<Evaluation>();
  const auto predictor = [&](bool guided) {
    const at::Tensor scales =
        guided ? at::tensor(of.scales, at::kFloat).to(of.device) : at::Tensor();
    const EpsModel model = [answer = of.answer, now, guided](const at::Tensor& x, double t) {
      return answer(x, t, *now, guided);
    };
    return Predictor(model, scales, of.predicts, kernels);
  };
  const Predictor alone = predictor(false);
  const Predictor both = of.scales.empty() ? alone : predictor(true);
  return Denoiser([=, guides = of.guides](const at::Tensor& x, const Evaluation& at) {
    *now = at;
    return (guides && !guides(at) ? alone : both)(x, at.at);
  });
}

}  // namespace sd::sampling
