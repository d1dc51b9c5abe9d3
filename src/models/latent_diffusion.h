#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "models/autoencoder.h"
#include "models/model_config.h"
#include "models/text_encoder.h"
#include "models/unet.h"
#include "runtime/exec_policy.h"
#include "sampling/noise_schedule.h"
#include "sd/options.h"
#include "weights/weight_view.h"

namespace sd {

/// ldm.models.diffusion.ddpm.LatentDiffusion: the parts that draw a picture. Immutable.
struct LatentDiffusion {
  ModelConfig config;
  bool ema;  ///< whether the UNet's weights are the averaged ones
  std::unique_ptr<const TextEncoder> text_encoder;
  UNet unet;
  Autoencoder first_stage;
  NoiseSchedule schedule;
  double scale_factor;

  // What it was made of.
  std::shared_ptr<const Checkpoint> checkpoint;  ///< null: of build_networks
  ExecPolicy policy;
  Autoencoder::Parts parts;

  /// A network once more, in another type. Needs the checkpoint.
  std::unique_ptr<const TextEncoder> text_encoder_as(at::ScalarType dtype) const;
  UNet unet_as(at::ScalarType dtype) const;
  Autoencoder first_stage_as(at::ScalarType dtype) const;

  /// A latent's picture: z [N, C, h, w] → [N, 3, h*f, w*f], about [-1, 1] (decode_first_stage).
  at::Tensor decode(const at::Tensor& z, const TraceFn& trace = nullptr) const;

  /// The latent of a draw from what the encoder says of a picture:
  /// x [N, 3, H, W] in [-1, 1], noise [N, C, H/f, W/f] → [N, C, H/f, W/f].
  at::Tensor encode(const at::Tensor& x, const at::Tensor& noise,
                    const TraceFn& trace = nullptr) const;
};

/// Builds all parts from their scopes below `root`, the UNet from below `unet_root` (the averaged
/// weights, say), on the policy's device: the autoencoder in its vae_dtype, the others in its
/// dtype. All take and give f32. What is missing or misshapen is in `root.report()`, and its place
/// is zeros.
LatentDiffusion build_networks(const WeightView& root, const WeightView& unet_root,
                               const ModelConfig& config, Autoencoder::Parts parts,
                               const ExecPolicy& policy);

/// The model of a checkpoint, checked. Throws kCheckpoint naming every tensor that is missing or
/// misshapen, or if averaged weights are wanted and the checkpoint has none.
LatentDiffusion load_latent_diffusion(std::shared_ptr<const Checkpoint> checkpoint,
                                      const ModelConfig& config, WeightChoice weights,
                                      Autoencoder::Parts parts, const ExecPolicy& policy);

}  // namespace sd
