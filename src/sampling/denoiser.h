#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "runtime/kernel_policy.h"
#include "sampling/levels.h"

namespace sd::sampling {

/// What the network says of x [N, C, h, w] f32 at time t, in steps of the training schedule, whole
/// or not → [k·N, C, h, w] f32, for each row of x under each of k contexts.
using EpsModel = std::function<at::Tensor(const at::Tensor& x, double t)>;

/// What a network was trained to say.
enum class Predicts {
  kEps,  ///< the noise
  kV,    ///< alpha·eps - sigma·x0, with alpha² + sigma² = 1 (Salimans and Ho 2022)
};

/// What is thought to be in x = alpha·x0 + sigma·eps; guided. Each [N, C, h, w] f32.
struct Prediction {
  at::Tensor x0;
  at::Tensor eps;
  at::Tensor uncond_eps;  ///< the noise without guidance; eps where there was none
};

/// One call of the denoiser.
struct Evaluation {
  int64_t number;  ///< from 0
  Level at;
};

/// What a sampler asks: the picture and the noise in x at a level.
class Denoiser {
 public:
  using Predict = std::function<Prediction(const at::Tensor& x, const Evaluation&)>;
  /// Changes a prediction before the sampler's step sees it: inpainting, thresholding.
  using Edit = std::function<void(Prediction*, const Evaluation&)>;

  explicit Denoiser(Predict predict) : predict_(std::move(predict)) {}

  /// Calls the network once.
  Prediction operator()(const at::Tensor& x, const Level& at);

  /// Adds an edit; they are made in the order in which they were added.
  void edit(Edit edit) { edits_.push_back(std::move(edit)); }
  /// Adds one before all others.
  void edit_first(Edit edit) { edits_.insert(edits_.begin(), std::move(edit)); }

  /// Calls so far.
  int64_t evaluations() const { return evaluations_; }

 private:
  Predict predict_;
  std::vector<Edit> edits_;
  int64_t evaluations_ = 0;
};

/// A network whose context may change from one evaluation to the next.
struct ConditionedNetwork {
  /// What it says of x [N, C, h, w] at time t: with guidance [2N, C, h, w], the unconditional half
  /// first; without [N, C, h, w].
  std::function<at::Tensor(const at::Tensor& x, double t, const Evaluation&, bool guided)> answer;
  std::vector<double> scales;  ///< N; empty: no guidance
  Predicts predicts = Predicts::kEps;
  /// Whether an evaluation has guidance. Empty: all.
  std::function<bool(const Evaluation&)> guides = {};
  at::Device device = at::kCPU;  ///< of x
};

/// Classifier-free guidance (Ho and Salimans 2022): u + scale·(c - u).
Denoiser guided(ConditionedNetwork of, const runtime::KernelPolicy& kernels = {});

}  // namespace sd::sampling
