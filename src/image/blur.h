#pragma once

#include "image/image.h"

namespace sd::image {

/// The picture blurred until only its broad colours are left: near a Gaussian whose deviation is an
/// eighth of the longer side, of which three passes of a box filter come close (Wells 1986). Beyond
/// the edges the picture goes on with its edge pixels.
Image blur_beyond_recognition(const Image& image);

}  // namespace sd::image
