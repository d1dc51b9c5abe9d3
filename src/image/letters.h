#pragma once

#include <string_view>

#include "image/image.h"

namespace sd::image {

/// A letter's place among others in a line of labels, in pixels.
inline constexpr int kLetterWidth = 12;
inline constexpr int kLetterHeight = 18;

/// Writes a text in white from (x, y) on, its top left; what does not fit is cut. Letters a to z
/// (capitals as small ones), digits and some signs; others are a frame.
void draw_text(Image* image, int x, int y, std::string_view text);

}  // namespace sd::image
