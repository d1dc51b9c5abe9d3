#pragma once

#include <vector>

#include "image/image.h"

namespace sd {

/// All pictures on one black sheet, `images_per_row` side by side, as torchvision's make_grid with
/// padding 2 lays them: a sheet of min(images_per_row, N) columns, 2 pixels around and between the
/// pictures, empty places black. A single picture comes back as it is, without a border. Where the
/// sizes differ each place is as large as the largest picture, with the others at its top left.
/// Throws Error(kUsage) when there is no picture, when images_per_row is below 1, or when the sheet
/// is too large.
Image make_grid(const std::vector<Image>& images, int images_per_row);

}  // namespace sd
