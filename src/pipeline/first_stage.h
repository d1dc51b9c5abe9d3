#pragma once

#include <ATen/core/Tensor.h>

#include <list>
#include <memory>
#include <utility>

#include "pipeline/memory_ladder.h"
#include "pipeline/networks.h"
#include "pipeline/stage_progress.h"
#include "sd/pipeline.h"

namespace sd::pipeline {

/// The autoencoder of a session: it works as a whole or in strips, again in strips where memory
/// does not suffice, and in f32 where its type is too narrow. Results are on the CPU, unless it
/// says otherwise. What it is given must outlive it.
class FirstStage {
 public:
  FirstStage(const runtime::ExecPolicy& policy, Networks* networks, MemoryLadder* ladder)
      : policy_(policy), networks_(*networks), ladder_(*ladder) {}

  /// A picture [1, 3, H, W] in [-1, 1] → what the encoder says of it: [1, 2C, h, w].
  at::Tensor encode(const at::Tensor& picture, const StageProgress& stage);
  /// A latent [1, C, h, w] → its picture [1, 3, H, W].
  at::Tensor decode(const at::Tensor& latent, const StageProgress& stage) {
    return decode_there(latent, stage).to(at::kCPU);
  }
  /// `decode`, with the result on the device that computes it.
  at::Tensor decode_there(const at::Tensor& latent, const StageProgress& stage);

  /// A latent of what was said: noise [N, C, h, w] → [N, C, h, w].
  at::Tensor latent(const at::Tensor& moments, const at::Tensor& noise) const {
    return networks_.coder->latent(moments, noise);
  }

  /// What the encoder says of an init image, [1, 2C, h, w]; of the last few it is kept. `tap` sees
  /// the image's bytes when it is encoded.
  at::Tensor moments(const std::shared_ptr<const Image>& image, const ProgressFn& progress,
                     const Session::Tap& tap);
  /// What it says of the picture that a model that inpaints is shown; kept as well.
  at::Tensor shown_moments(const BatchSettings& batch, const ProgressFn& progress);

 private:
  template <class Work>
  at::Tensor run(const char* verb, const StageProgress& stage, const Work& work);
  /// What is known of a picture, or what `encode` makes of it.
  template <class Key, class Picture>
  at::Tensor encode_once(std::list<std::pair<Key, at::Tensor>>* known, const Key& key,
                         const ProgressFn& progress, const Picture& picture);

  /// A model that inpaints and has no mask is shown grey of the batch's size.
  struct Shown {
    std::shared_ptr<const Inpainting> inpainting;
    int width, height;

    bool operator==(const Shown&) const = default;
  };

  const runtime::ExecPolicy& policy_;
  Networks& networks_;
  MemoryLadder& ladder_;
  // What was encoded last is first.
  std::list<std::pair<std::shared_ptr<const Image>, at::Tensor>> moments_;
  std::list<std::pair<Shown, at::Tensor>> shown_;
};

}  // namespace sd::pipeline
