#pragma once

#include <memory>
#include <optional>

#include "models/latent_diffusion.h"

namespace sd {

/// The networks that a session calls: the model's, each in f32 from when its own type was found too
/// narrow. The model must outlive it.
class Networks {
 public:
  explicit Networks(const LatentDiffusion& model) : model_(model) {}

  const TextEncoder& text_encoder() const {
    return text_encoder_ ? *text_encoder_ : *model_.text_encoder;
  }
  const UNet& unet() const { return unet_ ? *unet_ : model_.unet; }
  const Autoencoder& first_stage() const {
    return first_stage_ ? *first_stage_ : model_.first_stage;
  }

  /// Whether the network must be called again: its result holds values that are not numbers, and a
  /// wider type may hold them. Then that is said, and the network is in f32 from now on. (A latent
  /// that lost its numbers in some step does not find them again: it is enough to look at the
  /// last.)
  bool widen_text_encoder(const at::Tensor& result);
  bool widen_unet(const at::Tensor& result);
  bool widen_first_stage(const at::Tensor& result);

 private:
  const LatentDiffusion& model_;
  std::unique_ptr<const TextEncoder> text_encoder_;
  std::optional<UNet> unet_;
  std::optional<Autoencoder> first_stage_;
};

}  // namespace sd
