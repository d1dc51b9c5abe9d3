#pragma once

#include "models/latent_diffusion.h"

namespace sd {

/// The networks that a session calls: the model's, each in f32 from when its own type was found too
/// narrow (`Part::widen`).
struct Networks {
  explicit Networks(const LatentDiffusion& model)
      : text_encoder(model.text_encoder), unet(model.unet), coder(model.coder) {}

  Part<TextEncoder> text_encoder;
  Part<UNet> unet;
  Part<LatentCoder> coder;
};

}  // namespace sd
