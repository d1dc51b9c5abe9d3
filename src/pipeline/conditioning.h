#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "pipeline/contexts.h"
#include "sampling/denoiser.h"
#include "sd/prompt_settings.h"

namespace sd::pipeline {

/// One of the texts that AND joins.
struct WeightedPart {
  std::shared_ptr<const StagedContext> text;
  double weight = 1;
};

/// What a picture's prompts say to the UNet.
struct PictureConditioning {
  std::vector<WeightedPart> parts;                ///< at least one
  std::shared_ptr<const StagedContext> negative;  ///< null: no guidance
};

/// What the prompts of a batch say to the UNet, from one evaluation to the next.
struct Conditioning {
  std::vector<PictureConditioning> pictures;  ///< all with a negative prompt, or none
  UnequalLengths unequal = UnequalLengths::kApart;
  at::Tensor empty;  ///< [kMaxTokens, width], of the empty text: for kPad

  /// The contexts [T, width] of an evaluation. A picture's parts have one length: the last vector
  /// of a shorter one is repeated.
  struct Span {
    std::vector<at::Tensor> negatives;           ///< of each picture, or none
    std::vector<std::vector<at::Tensor>> parts;  ///< of each picture
  };
  Span at(int64_t evaluation) const;

  /// Which stages hold; evaluations with equal ones have equal contexts.
  std::vector<size_t> stages_at(int64_t evaluation) const;

  bool guided() const { return pictures.front().negative != nullptr; }
  /// Whether each picture has one text, of weight 1.
  bool is_plain() const;
  /// How many parts each picture has.
  std::vector<size_t> part_counts() const;
  /// The longest context, in ids.
  int64_t longest() const;
};

/// A UNet under a conditioning. For one thread.
class ConditionedUNet {
 public:
  /// The UNet under a context [k·n, T, width], prepared for all its calls with x [n, C, h, w].
  using Prepare = std::function<sampling::EpsModel(const at::Tensor& context, int64_t n)>;

  ConditionedUNet(Conditioning conditioning, Prepare prepare)
      : conditioning_(std::move(conditioning)), prepare_(std::move(prepare)) {}

  /// Guided [2N, C, h, w], u and u + Σ weight·(c - u) of each picture's parts; without guidance
  /// [N, C, h, w], where the first part stands for u. Contexts of different lengths are evaluated
  /// one length after the other.
  at::Tensor operator()(const at::Tensor& x, double t, int64_t evaluation, bool guided);

 private:
  /// Rows whose contexts have one length.
  struct Group {
    sampling::EpsModel model;
    std::vector<int64_t> rows;      ///< among all rows
    std::vector<int64_t> pictures;  ///< of the rows of x that it needs; empty: all, in order
  };
  struct Prepared {
    std::vector<size_t> stages;
    bool guided;
    std::vector<Group> groups;
    int64_t rows;
  };

  const Prepared& prepare_for(int64_t evaluation, bool guided);
  Prepared prepare(const Conditioning::Span& span, bool guided) const;
  Group group(const std::vector<at::Tensor>& contexts, const std::vector<int64_t>& pictures,
              std::vector<int64_t> rows) const;
  at::Tensor combine(const at::Tensor& eps, bool guided) const;

  Conditioning conditioning_;
  Prepare prepare_;
  std::list<Prepared> prepared_;  // what was asked for last is first
};

}  // namespace sd::pipeline
