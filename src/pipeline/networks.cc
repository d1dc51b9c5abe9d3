#include "pipeline/networks.h"

#include <ATen/ATen.h>

#include "base/log.h"
#include "base/strings.h"

namespace sd {
namespace {

/// Whether `dtype` was too narrow for the result; says so then.
bool too_narrow(const at::Tensor& result, at::ScalarType dtype, const char* what) {
  if (dtype == at::kFloat || at::isfinite(result).all().item<bool>()) return false;
  notice(format("%s went beyond what %s can hold: computed again, and from now on, in float32",
                what, dtype == at::kHalf ? "float16" : "bfloat16"));
  return true;
}

}  // namespace

bool Networks::widen_text_encoder(const at::Tensor& result) {
  if (text_encoder_ || !too_narrow(result, model_.policy.dtype, "the text encoder")) return false;
  text_encoder_ = model_.text_encoder_as(at::kFloat);
  return true;
}

bool Networks::widen_unet(const at::Tensor& result) {
  if (unet_ || !too_narrow(result, model_.policy.dtype, "the UNet")) return false;
  unet_ = model_.unet_as(at::kFloat);
  return true;
}

bool Networks::widen_first_stage(const at::Tensor& result) {
  if (first_stage_ || !too_narrow(result, model_.policy.vae_dtype, "the autoencoder")) return false;
  first_stage_ = model_.first_stage_as(at::kFloat);
  return true;
}

}  // namespace sd
