#include "pipeline/inpainting.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "image/masking.h"
#include "pipeline/picture_tensor.h"

namespace sd::pipeline {
namespace {

constexpr uint8_t kWhite = 128;

/// [1, 1, H, W] f32, of 0 to 1.
at::Tensor tensor_of(const GrayImage& mask) {
  at::Tensor bytes = at::empty({1, 1, mask.height, mask.width}, at::kByte);
  std::copy(mask.values.begin(), mask.values.end(), bytes.data_ptr<uint8_t>());
  return bytes.to(at::kFloat) / 255;
}

/// Of each place the top left pixel, white or black.
at::Tensor nearest(const GrayImage& mask, int64_t factor) {
  return tensor_of(image::thresholded(mask, kWhite))
      .slice(2, 0, c10::nullopt, factor)
      .slice(3, 0, c10::nullopt, factor);
}

const Inpainting* inpainting_of(const BatchSettings& batch) { return batch.init.inpainting.get(); }

}  // namespace

bool has_mode(const BatchSettings& batch, InpaintMode mode) {
  const Inpainting* inpainting = inpainting_of(batch);
  return inpainting != nullptr && inpainting->mode == mode;
}

at::Tensor LatentMask::blend(const at::Tensor& latent, const at::Tensor& of) const {
  return latent * drawn + of * (1 - drawn);
}

LatentMask LatentMask::on(at::Device device) const {
  const auto moved = [&](const at::Tensor& one) { return one.defined() ? one.to(device) : one; };
  return {moved(drawn), moved(kept), moved(concat)};
}

at::Tensor latent_mask(const Inpainting& inpainting, int64_t factor) {
  const GrayImage& mask = inpainting.mask;
  if (inpainting.mode == InpaintMode::kWebui) {
    const auto side = [&](int pixels) { return static_cast<int>(pixels / factor); };
    const at::Tensor small = tensor_of(
        image::resize(mask, side(mask.width), side(mask.height), image::ResizeFilter::kBicubic));
    return inpainting.soft ? small : small.round();
  }
  if (inpainting.soft) return at::avg_pool2d(tensor_of(mask), {factor, factor});
  return nearest(mask, factor).contiguous();
}

at::Tensor shown_picture(const BatchSettings& batch) {
  if (inpainting_of(batch) == nullptr) return at::zeros({1, 3, batch.height, batch.width});
  const at::Tensor kept = 1 - tensor_of(image::thresholded(inpainting_of(batch)->mask, kWhite));
  return bytes_to_tensor(image_bytes(*batch.init.image)) * kept;
}

at::Tensor shown_mask(const BatchSettings& batch, int64_t factor) {
  if (inpainting_of(batch) != nullptr) {
    return nearest(inpainting_of(batch)->mask, factor).contiguous();
  }
  return at::ones({1, 1, batch.height / factor, batch.width / factor});
}

at::Tensor filled_latent(const at::Tensor& latent, const at::Tensor& noise, const LatentMask& mask,
                         InpaintFill fill) {
  if (fill == InpaintFill::kNoise) return mask.blend(noise, latent);
  if (fill == InpaintFill::kNothing) return latent * (1 - mask.drawn);
  return latent;
}

sampling::BeginFn keep_noised(const LatentMask& mask, const kernels::MixKernel& mix) {
  return
      [mask, &mix](const at::Tensor& x, const sampling::Level& at, sampling::NoiseStream& noise) {
        return mask.blend(x, mix({{at.alpha, mask.kept}, {at.sigma, noise.next(1)}}));
      };
}

sampling::Denoiser::Edit keep_predicted(const LatentMask& mask) {
  return [mask](sampling::Prediction* prediction, const sampling::Evaluation& at) {
    const at::Tensor x0 = mask.blend(prediction->x0);
    // x = alpha·x0 + sigma·eps stays as it is.
    const at::Tensor more = (prediction->x0 - x0) * (at.at.alpha / at.at.sigma);
    prediction->eps = prediction->eps + more;
    prediction->x0 = x0;
  };
}

Image with_kept(Image drawn, const InitSettings& init) {
  const Inpainting* inpainting = init.inpainting.get();
  if (inpainting == nullptr || !inpainting->paste) return drawn;
  return image::paste_kept(drawn, inpainting->original, inpainting->overlay, inpainting->region);
}

}  // namespace sd::pipeline
