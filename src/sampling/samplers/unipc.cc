#include <vector>

#include "sampling/continuous_schedule.h"
#include "sampling/samplers/k_steps.h"

namespace sd::sampling {
namespace {

/// A picture predicted at some time, and half the logarithm of the signal-to-noise ratio there.
struct Known {
  float lambda;
  at::Tensor x0;
};

/// What a step adds of the differences between older pictures and the newest, and of that between
/// the picture predicted at its end and the newest.
struct Corrections {
  std::vector<double> predictor;  ///< of the older pictures
  std::vector<double> corrector;  ///< of the older pictures, then of the one at the end
};

/// The places of the older pictures in units of the step, and 1 for its end.
at::Tensor places_of(const std::vector<Known>& known, int64_t order, float h) {
  std::vector<float> places;
  for (int64_t i = 1; i < order; ++i) {
    places.push_back((known[static_cast<size_t>(i)].lambda - known[0].lambda) / h);
  }
  places.push_back(1);
  return at::tensor(places, at::kFloat);
}

std::vector<double> numbers_of(const at::Tensor& tensor) {
  const at::Tensor wide = tensor.to(at::kDouble).contiguous();
  return {wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel()};
}

/// Zhao et al. 2023 (arXiv:2302.04867) with B(h) = h (bh1) or e^h - 1 (bh2).
Corrections by_bh(const at::Tensor& places, const at::Tensor& hh, bool bh2) {
  const int64_t order = places.size(0);
  const at::Tensor grown = hh.expm1();
  const at::Tensor scale = bh2 ? grown : hh;
  at::Tensor phi = grown / hh - 1;
  std::vector<at::Tensor> rows, right;
  double factorial = 1;
  for (int64_t i = 1; i <= order; ++i) {
    rows.push_back(places.pow(i - 1));
    right.push_back(phi * factorial / scale);
    factorial *= static_cast<double>(i + 1);
    phi = phi / hh - 1 / factorial;
  }
  const at::Tensor r = at::stack(rows), b = at::stack(right);
  const auto solve = [&](int64_t n) {
    return at::linalg_solve(r.slice(0, 0, n).slice(1, 0, n), b.slice(0, 0, n));
  };
  const at::Tensor half = at::full({1}, 0.5, at::kFloat);
  const at::Tensor predictor = order == 1   ? at::empty({0}, at::kFloat)
                               : order == 2 ? half
                                            : solve(order - 1);
  return {numbers_of(scale * predictor), numbers_of(scale * (order == 1 ? half : solve(order)))};
}

/// The variant with coefficients that vary.
Corrections by_coefficients(const at::Tensor& places, const at::Tensor& hh) {
  const int64_t order = places.size(0);
  std::vector<at::Tensor> columns;
  at::Tensor column = at::ones_like(places);
  for (int64_t k = 1; k <= order; ++k) {
    columns.push_back(column);
    column = column * places / (k + 1);
  }
  const at::Tensor matrix = at::stack(columns, 1);
  std::vector<at::Tensor> phis;
  at::Tensor phi = hh.expm1();
  double factorial = 1;
  for (int64_t k = 1; k <= order + 1; ++k) {
    phis.push_back(phi);
    phi = phi / hh - 1 / factorial;
    factorial *= static_cast<double>(k + 1);
  }
  const auto weights = [&](const at::Tensor& inverse) {
    at::Tensor sum = at::zeros({order - 1}, at::kFloat);
    for (int64_t k = 0; k < order - 1; ++k) {
      sum = sum + phis[static_cast<size_t>(k) + 1] * inverse[k].slice(0, 0, order - 1);
    }
    return sum;
  };
  Corrections result;
  if (order > 1) {
    const int64_t n = order - 1;
    result.predictor = numbers_of(weights(at::linalg_inv(matrix.slice(0, 0, n).slice(1, 0, n))));
  }
  const at::Tensor inverse = at::linalg_inv(matrix);
  result.corrector = numbers_of(weights(inverse));
  const int64_t row = std::max<int64_t>(order - 2, 0);
  result.corrector.push_back(weight(phis[static_cast<size_t>(order)] * inverse[row][-1]));
  return result;
}

/// One step of the predictor and the corrector.
class Step {
 public:
  Step(const SampleArgs& args, const std::vector<Known>& known, const at::Tensor& x, size_t to,
       int64_t order)
      : args_(args), known_(known), x_(x), to_(args.levels[to]) {
    const ContinuousSchedule schedule(args.model.schedule());
    lambda_ = schedule.lambda(static_cast<float>(args.times[to]));
    const float h = lambda_ - known[0].lambda;
    places_ = places_of(known, order, h);
    const at::Tensor hh = at::scalar_tensor(-h, at::kFloat);
    const UniPcVariant variant = args.knobs.unipc_variant;
    corrections_ = variant == UniPcVariant::kVaryCoeff
                       ? by_coefficients(places_, hh)
                       : by_bh(places_, hh, variant == UniPcVariant::kBh2);
    shrink_ = to_.sigma / args.levels[to - 1].sigma;
    gain_ = -to_.alpha * weight(hh.expm1());
  }

  float lambda() const { return lambda_; }
  at::Tensor predict() const { return sum(corrections_.predictor, {}); }
  at::Tensor correct(const at::Tensor& x0) const { return sum(corrections_.corrector, x0); }

 private:
  /// The step of first order, and the corrections by older pictures and that at the end.
  at::Tensor sum(const std::vector<double>& corrections, const at::Tensor& at_end) const {
    std::vector<kernels::MixTerm> terms = {{shrink_, x_}, {gain_, known_[0].x0}};
    for (size_t i = 0; i < corrections.size(); ++i) {
      const bool older = i + 1 < static_cast<size_t>(places_.size(0));
      const double place = older ? weight(places_[static_cast<int64_t>(i)]) : 1;
      const double of = -to_.alpha * corrections[i] / place;
      terms.push_back({of, older ? known_[i + 1].x0 : at_end});
      terms[1].weight -= of;
    }
    return args_.mix(terms);
  }

  const SampleArgs& args_;
  const std::vector<Known>& known_;
  at::Tensor x_;
  Level to_;
  float lambda_;
  at::Tensor places_;
  Corrections corrections_;
  double shrink_, gain_;
};

}  // namespace

/// UniPC (Zhao et al. 2023, arXiv:2302.04867), as the web UI sets it up. No draws.
static at::Tensor sample_unipc(const SampleArgs& args) {
  const int64_t most = args.knobs.unipc_order, steps = args.steps();
  const ContinuousSchedule schedule(args.model.schedule());
  at::Tensor x = args.x;
  std::vector<Known> known;  // newest first
  if (steps > 0) {
    known.push_back(
        {schedule.lambda(static_cast<float>(args.times[0])), args.denoise(x, args.levels[0]).x0});
  }
  for (int64_t i = 1; i <= steps; ++i) {
    int64_t order = std::min(i, most);
    if (i >= most && args.knobs.unipc_lower_order_final) {
      order = std::min(order, steps + 1 - i);
    }
    const Step step(args, known, x, static_cast<size_t>(i), order);
    x = step.predict();
    if (i < steps) {
      const at::Tensor x0 = args.denoise(x, args.levels[static_cast<size_t>(i)]).x0;
      x = step.correct(x0);
      known.insert(known.begin(), {step.lambda(), x0});
      if (std::ssize(known) > most) known.pop_back();
    }
    args.report(i, x, known[0].x0);
  }
  return x;
}

Sampler unipc_sampler() {
  return {.name = "unipc",
          .label = "UniPC",
          .old_names = "",
          .sample = sample_unipc,
          .grid = Grid::kUniPc,
          .draws = no_draws,
          .knobs = kUniPcKnobs,
          .limits = kTimesteps};
}

}  // namespace sd::sampling
