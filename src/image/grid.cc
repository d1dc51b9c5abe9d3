#include "image/grid.h"

#include <algorithm>

#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr int kPadding = 2;

void check_grid(const std::vector<Image>& images, int images_per_row) {
  if (images.empty()) throw Error(ErrorKind::kUsage, "a grid needs at least one picture");
  if (images_per_row < 1) {
    throw Error(ErrorKind::kUsage,
                format("a grid needs at least 1 picture a row, not %d", images_per_row));
  }
}

}  // namespace

Image make_grid(const std::vector<Image>& images, int images_per_row) {
  check_grid(images, images_per_row);
  if (images.size() == 1) return images.front();
  const size_t columns = std::min(static_cast<size_t>(images_per_row), images.size());
  const size_t rows = (images.size() + columns - 1) / columns;
  int step_x = 0;
  int step_y = 0;
  for (const Image& image : images) {
    step_x = std::max(step_x, image.width + kPadding);
    step_y = std::max(step_y, image.height + kPadding);
  }
  const size_t width = columns * static_cast<size_t>(step_x) + kPadding;
  const size_t height = rows * static_cast<size_t>(step_y) + kPadding;
  if (std::max(width, height) > kMaxImageSide || width * height > kMaxImagePixels) {
    throw Error(ErrorKind::kUsage, format("a grid of %zux%zu pixels is too large", width, height),
                "--skip_grid leaves the grid out; --n_rows sets how many pictures a row has");
  }
  Image sheet(static_cast<int>(width), static_cast<int>(height));
  for (size_t k = 0; k < images.size(); ++k) {
    const int left = kPadding + static_cast<int>(k % columns) * step_x;
    const int top = kPadding + static_cast<int>(k / columns) * step_y;
    for (int y = 0; y < images[k].height; ++y) {
      std::copy_n(images[k].row(y), images[k].stride(), sheet.at(left, top + y));
    }
  }
  return sheet;
}

}  // namespace sd
