#pragma once

#include "models/latent_diffusion.h"

namespace sd::pipeline {

/// The networks that a session calls: the model's, each in f32 from when its own type was found too
/// narrow (`Part::widen`).
struct Networks {
  explicit Networks(const models::LatentDiffusion& model)
      : text_encoder(model.text_encoder), unet(model.unet), coder(model.coder) {}

  models::Part<models::TextEncoder> text_encoder;
  models::Part<models::UNet> unet;
  models::Part<models::LatentCoder> coder;
};

}  // namespace sd::pipeline
