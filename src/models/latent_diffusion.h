#pragma once

#include <ATen/core/Tensor.h>

#include "models/latent_coder.h"
#include "models/model_source.h"
#include "models/part.h"
#include "models/text_encoder.h"
#include "models/unet.h"
#include "runtime/exec_policy.h"
#include "sampling/noise_schedule.h"
#include "weights/load_report.h"

namespace sd::models {

/// ldm.models.diffusion.ddpm.LatentDiffusion: the parts that draw a picture. Immutable.
struct LatentDiffusion {
  ModelSource source;
  Part<TextEncoder> text_encoder;
  Part<UNet> unet;
  Part<LatentCoder> coder;
  sampling::NoiseSchedule schedule;

  /// A latent's picture: z [N, C, h, w] → [N, 3, h*f, w*f], about [-1, 1] (decode_first_stage).
  at::Tensor decode(const at::Tensor& z) const { return coder->decode(z, {}); }

  /// The latent of a draw from what the encoder says of a picture:
  /// x [N, 3, H, W] in [-1, 1], noise [N, C, H/f, W/f] → [N, C, H/f, W/f].
  at::Tensor encode(const at::Tensor& x, const at::Tensor& noise) const {
    return coder->latent(coder->encode(x, {}), noise);
  }
};

/// Builds all parts from their sources, on the policy's device: the coder in its vae_dtype, the
/// others in its dtype. All take and give f32. What is missing, misshapen or unreadable is in the
/// report, and its place is zeros.
LatentDiffusion build_networks(const ModelSource& source, CoderParts parts,
                               const runtime::ExecPolicy& policy,
                               const std::shared_ptr<weights::LoadReport>& report);

/// The model of a source, checked. Throws kCheckpoint naming every tensor that is missing,
/// misshapen or unreadable.
LatentDiffusion load_latent_diffusion(const ModelSource& source, CoderParts parts,
                                      const runtime::ExecPolicy& policy);

/// One network of a source that is known to be sound, such as one with other edits.
Part<UNet> load_unet(const ModelSource& source, const runtime::ExecPolicy& policy);
Part<TextEncoder> load_text_encoder(const ModelSource& source, const runtime::ExecPolicy& policy);

/// What the networks of a config ask a checkpoint for, by building them over an empty one.
weights::LoadReport::NamesAndShapes wanted_tensors(const ModelConfig& config);

}  // namespace sd::models
