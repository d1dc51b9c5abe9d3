#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "image/image.h"
#include "models/clip_vision.h"
#include "safety/decision.h"
#include "safety/safety_config.h"
#include "weights/weight_view.h"

namespace sd::safety {

/// diffusers' StableDiffusionSafetyChecker (0.3.0): compares CLIP's embedding of a picture with
/// those of concepts. Immutable, and safe to use from several threads.
class SafetyChecker {
 public:
  /// Called with "clip_input" [1, 3, side, side], "image_embeds" [1, D], "concept_cos" [1, 17] and
  /// "special_cos" [1, 3], the names of the reference's recorded outputs.
  using Trace = std::function<void(const std::string&, const at::Tensor&)>;

  /// `view` is the checkpoint's root. What is missing or misshapen is in `view.report()`.
  SafetyChecker(const weights::WeightView& view, const SafetyConfig& config,
                const runtime::KernelPolicy& kernels);

  /// The verdict on a decoded picture [3, H, W], about [-1, 1] (it is clamped), rounded to 8 bits
  /// as in the reference. Throws kInternal for values or a shape that no picture has, kCheckpoint
  /// if the network's answer is not finite, kUsage for a picture without pixels.
  SafetyVerdict check(const at::Tensor& picture, const Trace& trace = nullptr) const;

  /// The verdict on a picture as it is.
  SafetyVerdict check(const Image& picture, const Trace& trace = nullptr) const;

 private:
  ClipInputConfig input_;
  models::ClipVision vision_model_;
  nn::Linear visual_projection_;
  at::Tensor concepts_;      // [17, D], of length 1
  at::Tensor special_care_;  // [3, D], of length 1
  SafetyThresholds thresholds_;
};

/// The checker of a checkpoint (.safetensors, or a pytorch_model.bin of either form) with the
/// configs beside it. Throws kFile if it cannot be read, kCheckpoint if it is damaged, if tensors
/// are missing, misshapen or left over (all of them named), or for a bad config.
std::unique_ptr<const SafetyChecker> load_safety_checker(const std::filesystem::path& weights,
                                                         const runtime::KernelPolicy& kernels);

/// The weights in a folder as diffusers writes it: model.safetensors, else pytorch_model.bin. Empty
/// if it has neither.
std::filesystem::path safety_weights_in(const std::filesystem::path& folder);

/// models/safety_checker/model.safetensors, else pytorch_model.bin there: in the working directory,
/// else among the program's files. Empty if there is none. What has such a name and cannot be read,
/// be it a link to nowhere or in a folder that is locked, counts: pictures must not go unchecked
/// where somebody put a checker.
std::filesystem::path find_safety_checkpoint();

}  // namespace sd::safety
