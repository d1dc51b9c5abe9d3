#include "models/latent_diffusion.h"

#include <ATen/ATen.h>

#include "base/log.h"
#include "base/strings.h"
#include "models/families.h"
#include "models/stored_schedule.h"
#include "runtime/profile.h"
#include "sd/error.h"
#include "weights/audit.h"

namespace sd {
namespace {

bool choose_ema(const Checkpoint& checkpoint, const ModelConfig& config, WeightChoice weights) {
  const bool wanted =
      weights == WeightChoice::kEma || (weights == WeightChoice::kConfig && config.use_ema);
  if (wanted && !has_ema(checkpoint)) {
    throw Error(ErrorKind::kCheckpoint,
                "averaged weights are wanted (" +
                    std::string(weights == WeightChoice::kEma ? "--weights ema"
                                                              : "use_ema: True in the config") +
                    "), and " + checkpoint.path() + " has no model_ema.* tensors",
                "use --weights plain, or a checkpoint that was saved with its averaged weights");
  }
  return wanted;
}

void say_choice(const Checkpoint& checkpoint, bool ema) {
  const char* also = has_ema(checkpoint) ? (ema ? "; --weights plain takes the others"
                                                : "; --weights ema takes "
                                                  "the averaged ones")
                                         : "";
  notice(format("weights: %s of %s%s", ema ? "averaged (model_ema.*)" : "not averaged (model.*)",
                checkpoint.path().c_str(), also));
}

/// Parts of a checkpoint that a run leaves alone on purpose.
std::vector<std::string> unused_on_purpose(bool ema) {
  std::vector<std::string> prefixes = {
      "betas",
      "alphas_cumprod_prev",
      "sqrt_",
      "log_one_minus_alphas_cumprod",
      "posterior_",
      "logvar",
      "first_stage_model.loss.",
      "cond_stage_model.transformer.to_logits.",
      "cond_stage_model.transformer.text_model.embeddings.position_ids",
      "cond_stage_model.transformer.embeddings.position_ids"};
  prefixes.emplace_back(ema ? "model.diffusion_model." : "model_ema.");
  if (ema) prefixes.insert(prefixes.end(), {"model_ema.decay", "model_ema.num_updates"});
  return prefixes;
}

/// The networks from their scopes below a root, of that type on the policy's device.
std::unique_ptr<const TextEncoder> make_text_encoder(const WeightView& root,
                                                     const ModelConfig& config,
                                                     const ExecPolicy& policy,
                                                     at::ScalarType dtype) {
  const WeightView view = root["cond_stage_model"].on(policy.device).as(dtype);
  return family_of(config).make_text_encoder(view, config, policy.kernels);
}

UNet make_unet(const WeightView& root, const ModelConfig& config, const ExecPolicy& policy,
               at::ScalarType dtype) {
  return UNet(root["model.diffusion_model"].on(policy.device).as(dtype), config.unet,
              policy.kernels);
}

Autoencoder make_first_stage(const WeightView& root, const ModelConfig& config,
                             Autoencoder::Parts parts, const ExecPolicy& policy,
                             at::ScalarType dtype) {
  return Autoencoder(root["first_stage_model"].on(policy.device).as(dtype), config.first_stage,
                     parts, policy.kernels);
}

}  // namespace

at::Tensor LatentDiffusion::decode(const at::Tensor& z, const TraceFn& trace) const {
  return first_stage.decode(z * (1.0 / scale_factor), trace);
}

std::unique_ptr<const TextEncoder> LatentDiffusion::text_encoder_as(at::ScalarType dtype) const {
  return make_text_encoder(WeightView(checkpoint), config, policy, dtype);
}

UNet LatentDiffusion::unet_as(at::ScalarType dtype) const {
  const WeightView root(checkpoint);
  return make_unet(ema ? root.with_ema() : root, config, policy, dtype);
}

Autoencoder LatentDiffusion::first_stage_as(at::ScalarType dtype) const {
  return make_first_stage(WeightView(checkpoint), config, parts, policy, dtype);
}

at::Tensor LatentDiffusion::encode(const at::Tensor& x, const at::Tensor& noise,
                                   const TraceFn& trace) const {
  const at::Tensor moments = first_stage.moments(x, trace);
  return sample_posterior(moments, noise.to(moments.device())) * scale_factor;
}

LatentDiffusion build_networks(const WeightView& root, const WeightView& unet_root,
                               const ModelConfig& config, Autoencoder::Parts parts,
                               const ExecPolicy& policy) {
  return {
      .config = config,
      .ema = false,
      .text_encoder = in_zone(
          "text encoder", [&] { return make_text_encoder(root, config, policy, policy.dtype); }),
      .unet = in_zone("UNet", [&] { return make_unet(unet_root, config, policy, policy.dtype); }),
      .first_stage =
          in_zone("autoencoder",
                  [&] { return make_first_stage(root, config, parts, policy, policy.vae_dtype); }),
      .schedule = load_schedule(root, config),
      .scale_factor = load_scale_factor(root, config),
      .checkpoint = nullptr,
      .policy = policy,
      .parts = parts};
}

LatentDiffusion load_latent_diffusion(std::shared_ptr<const Checkpoint> checkpoint,
                                      const ModelConfig& config, WeightChoice weights,
                                      Autoencoder::Parts parts, const ExecPolicy& policy) {
  const bool ema = choose_ema(*checkpoint, config, weights);
  say_choice(*checkpoint, ema);
  const WeightView root(checkpoint);
  LatentDiffusion model = build_networks(root, ema ? root.with_ema() : root, config, parts, policy);
  root.report().throw_if_failed();
  model.ema = ema;
  model.checkpoint = std::move(checkpoint);
  say_extra_tensors(*model.checkpoint, root.report(), unused_on_purpose(ema));
  return model;
}

}  // namespace sd
