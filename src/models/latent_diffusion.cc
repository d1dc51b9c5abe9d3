#include "models/latent_diffusion.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include "base/log.h"
#include "base/strings.h"
#include "models/families.h"
#include "models/stored_schedule.h"
#include "weights/audit.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"

namespace sd::models {
namespace {

void say_choice(const ModelSource& source) {
  const char* also = !weights::has_ema(*source.unet.file) ? ""
                     : source.ema                         ? "; `weights` plain takes the others"
                                  : "; `weights` ema takes the averaged ones";
  notice(fmt::format("weights: {} of {}{}",
                     source.ema ? "averaged (model_ema.*)" : "not averaged (model.*)",
                     printable(source.path), also));
  if (source.config.predicts_v) notice("the model predicts v, not the noise");
  if (source.config.zero_snr) notice("schedule: stretched, so that its last level is pure noise");
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
  prefixes.emplace_back(ema ? weights::kUnetPrefix : "model_ema.");
  if (ema) prefixes.insert(prefixes.end(), {"model_ema.decay", "model_ema.num_updates"});
  return prefixes;
}

/// Makes a network of a source's weights, in a type and on a device. The first time, problems go
/// to `report`; a network that is made again has none.
template <class Net, class Build>
Part<Net> make_part(const char* name, const weights::PartSource& source, at::ScalarType dtype,
                    const runtime::ExecPolicy& policy,
                    const std::shared_ptr<weights::LoadReport>& report, const Build& build) {
  const auto make = [source, build, device = policy.device,
                     report](at::ScalarType type) -> std::shared_ptr<const Net> {
    return build(weights::WeightView(source, report).on(device).as(type));
  };
  return Part<Net>(name, dtype, make);
}

Part<UNet> make_unet(const ModelSource& source, at::ScalarType dtype,
                     const runtime::ExecPolicy& policy,
                     const std::shared_ptr<weights::LoadReport>& report) {
  const auto build = [unet = source.config.unet,
                      kernels = policy.kernels](const weights::WeightView& view) {
    return std::make_shared<const UNet>(view, unet, kernels);
  };
  return make_part<UNet>("UNet", source.unet, dtype, policy, report, build);
}

Part<TextEncoder> make_text_encoder(const ModelSource& source, at::ScalarType dtype,
                                    const runtime::ExecPolicy& policy,
                                    const std::shared_ptr<weights::LoadReport>& report) {
  const auto build = [config = source.config,
                      kernels = policy.kernels](const weights::WeightView& view) {
    return family_of(config).text->make_text_encoder(view, config, kernels);
  };
  return make_part<TextEncoder>("text encoder", source.text, dtype, policy, report, build);
}

}  // namespace

Part<UNet> load_unet(const ModelSource& source, const runtime::ExecPolicy& policy) {
  return make_unet(source, policy.dtype, policy,
                   weights::WeightView::make_report(source.path, *source.unet.file));
}

Part<TextEncoder> load_text_encoder(const ModelSource& source, const runtime::ExecPolicy& policy) {
  return make_text_encoder(source, policy.dtype, policy,
                           weights::WeightView::make_report(source.path, *source.text.file));
}

LatentDiffusion build_networks(const ModelSource& source, CoderParts parts,
                               const runtime::ExecPolicy& policy,
                               const std::shared_ptr<weights::LoadReport>& report) {
  const ModelConfig& config = source.config;
  const runtime::KernelPolicy& kernels = policy.kernels;
  const weights::WeightView whole(source.whole, report);
  const double scale_factor = load_scale_factor(whole, config);
  return {.source = source,
          .text_encoder = make_text_encoder(source, policy.dtype, policy, report),
          .unet = make_unet(source, policy.dtype, policy, report),
          .coder = make_part<LatentCoder>(
              "autoencoder", source.coder, policy.vae_dtype, policy, report,
              [config, scale_factor, parts, kernels](const weights::WeightView& view) {
                return make_coder(view, config, scale_factor, parts, kernels);
              }),
          .schedule = load_schedule(whole, config)};
}

LatentDiffusion load_latent_diffusion(const ModelSource& source, CoderParts parts,
                                      const runtime::ExecPolicy& policy) {
  say_choice(source);
  const auto report = weights::WeightView::make_report(source.path, *source.unet.file);
  LatentDiffusion model = build_networks(source, parts, policy, report);
  report->throw_if_failed();
  weights::say_extra_tensors(*source.unet.file, *report, unused_on_purpose(source.ema));
  return model;
}

weights::LoadReport::NamesAndShapes wanted_tensors(const ModelConfig& config) {
  const ModelSource nothing = shapes_of(config);
  const auto report = weights::WeightView::make_report("the config", *nothing.unet.file);
  runtime::ExecPolicy policy;
  policy.kernels.plain = true;
  build_networks(nothing, CoderParts::kBoth, policy, report);
  return report->missing();
}

}  // namespace sd::models
