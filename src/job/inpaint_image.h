#pragma once

#include <optional>
#include <string>

#include "job/init_image.h"
#include "sampling/sampler.h"

namespace sd::job {

/// What `mask` says for the init image's own alpha.
inline constexpr const char* kAlphaMask = "alpha";

/// Fills in what the mask's settings leave open: the mode, by the model; the blur; and the strength
/// of what has one. Throws Error(kUsage) for what does not go together.
void complete_mask(InitSettings* init, const sampling::Sampler& sampler,
                   const ModelDescription& model);

/// The alpha that a mask needs of the init image: for `mask` alpha, and where the web UI lays the
/// picture on white.
bool wants_alpha(const InitSettings& init);

/// A picture as it was read, its alpha if that is wanted and there, and the mask that `init` names
/// → what is drawn at `size`. Throws Error(kFile) as read_image for the mask, and where the picture
/// has no alpha; kUsage for a mask that calls for nothing.
InitPicture inpaint_picture(const InitSettings& init, Image image,
                            const std::optional<GrayImage>& alpha, const FitSize& size);

/// The picture with its edges' pixels drawn out.
Image grow(const Image& image, const Margins& by);

/// SHA-256 of all that an inpainting takes from its files, beside the picture that is drawn on.
std::string inpainting_sha256(const Inpainting& inpainting);

}  // namespace sd::job
