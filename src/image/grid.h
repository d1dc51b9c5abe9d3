#pragma once

#include <cstdint>
#include <vector>

#include "image/image.h"

namespace sd::image {

/// All pictures on one black sheet, `images_per_row` side by side, as torchvision's make_grid with
/// padding 2 lays them: a sheet of min(images_per_row, N) columns, 2 pixels around and between the
/// pictures, empty places black. A single picture comes back as it is, without a border. Where the
/// sizes differ each place is as large as the largest picture, with the others at its top left.
/// Throws Error(kUsage) when there is no picture, when images_per_row is below 1, or when the sheet
/// is too large.
Image make_grid(const std::vector<Image>& images, int images_per_row);

/// What a grid is too large for as one sheet goes onto pages: the most pictures of one. (They are
/// in memory until their page is full, and a sheet of more is of no use to people.)
inline constexpr int64_t kMostOnAPage = 256;

/// How many of a run's pictures, none of them larger than that, a page of its grid holds: all where
/// one page holds them, else whole rows: kMostOnAPage of them at most, or one row if that has more.
/// Throws Error(kUsage) if a sheet of one row would be too large.
int64_t pictures_on_a_page(int64_t pictures, int width, int height, int64_t images_per_row);

}  // namespace sd::image
