#pragma once

#include <optional>

#include "image/gray.h"
#include "image/rgba.h"
#include "sd/inpainting.h"

// What AUTOMATIC1111's web UI (v1.10.1) does to pictures and masks before and after an inpainting,
// bit for bit. 255 in a mask is drawn anew.

namespace sd::image {

/// The picture at that size, by Lanczos (modules/images.py, resize_image).
Image fit_image(const Image& image, FitMode mode, int width, int height);
GrayImage fit_mask(const GrayImage& mask, FitMode mode, int width, int height);

/// The part of a picture that a mask calls for: the bounding box of what is not 0, `padding` pixels
/// larger on each side, and then as much larger as the shape of width x height needs, as far as the
/// mask goes. Nothing for a mask of zeros (modules/masking.py).
std::optional<Region> region_of(const GrayImage& mask, int padding, int width, int height);

/// The region of a mask.
GrayImage crop(const GrayImage& mask, const Region& region);

/// The picture with what the mask covers replaced by its blurred surroundings (masking.fill).
Image fill_masked(const Image& image, const GrayImage& mask);

/// A picture that was drawn with what is kept laid over it: `drawn`, brought to the region's size,
/// lies in `original` at `region`; what `mask`, of the original's size, says of 255 is of it
/// (processing.apply_overlay).
Image paste_kept(const Image& drawn, const Image& original, const GrayImage& mask,
                 const Region& region);

}  // namespace sd::image
