#pragma once

#include <ATen/core/Tensor.h>

#include "sampling/sampler.h"
#include "sd/request.h"

// What a mask is to a network and to a sampler. Masks are [1, 1, h, w] f32 with 1 where the picture
// is drawn anew.

namespace sd::pipeline {

/// A batch's mask, on the device that samples.
struct LatentMask {
  at::Tensor drawn;   ///< [1, 1, h, w]; undefined: all of the picture is drawn
  at::Tensor kept;    ///< the latent of what is kept, [N, C, h, w]; undefined where none is needed
  at::Tensor concat;  ///< what a model that inpaints is shown, [N, C + 1, h, w]; or undefined

  /// `latent` where the picture is drawn anew, `of` elsewhere.
  at::Tensor blend(const at::Tensor& latent, const at::Tensor& of) const;
  at::Tensor blend(const at::Tensor& latent) const { return blend(latent, kept); }

  LatentMask on(at::Device device) const;
};

/// Whether a batch inpaints in that mode.
bool has_mode(const BatchSettings& batch, InpaintMode mode);

/// The mask in the latent's size, as the mode has it: of each place its top left pixel, white or
/// black (runwayml, ldm), or the mean of its pixels (ldm with soft masks), or as Pillow shrinks it,
/// rounded unless it is soft (webui).
at::Tensor latent_mask(const Inpainting& inpainting, int64_t factor);

/// What a model that inpaints is shown of a batch's picture: that picture, [1, 3, H, W] in [-1, 1],
/// grey where it is drawn anew, and that mask. Without a picture or a mask all is drawn anew.
at::Tensor shown_picture(const BatchSettings& batch);
at::Tensor shown_mask(const BatchSettings& batch, int64_t factor);

/// The init image's latent as the sampling begins with it: with noise or nothing where the mask's
/// fill says so. `noise`: what sampling starts from. All [N, C, h, w].
at::Tensor filled_latent(const at::Tensor& latent, const at::Tensor& noise, const LatentMask& mask,
                         InpaintFill fill);

/// CompVis' mask (ddim.py, plms.py): before each step what is kept is its latent with the noise of
/// that step, freshly drawn.
sampling::BeginFn keep_noised(const LatentMask& mask, const kernels::MixKernel& mix);

/// The web UI's mask with samplers of k-diffusion: what is kept of each predicted picture is its
/// latent.
sampling::Denoiser::Edit keep_predicted(const LatentMask& mask);

/// The finished picture with what is kept pasted over it; as it is where nothing is to be pasted.
Image with_kept(Image drawn, const InitSettings& init);

}  // namespace sd::pipeline
