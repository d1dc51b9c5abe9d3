#include "image/grid.h"

#include <fmt/core.h>

#include <algorithm>

#include "sd/error.h"

namespace sd::image {
namespace {

constexpr int kPadding = 2;

void check_grid(const std::vector<Image>& images, int images_per_row) {
  if (images.empty()) throw Error(ErrorKind::kUsage, "a grid needs at least one picture");
  if (images_per_row < 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("a grid needs at least 1 picture a row, not {}", images_per_row));
  }
}

bool fits_on_a_sheet(int64_t width, int64_t height) {
  return std::max(width, height) <= kMaxImageSide &&
         static_cast<size_t>(width) * static_cast<size_t>(height) <= kMaxImagePixels;
}

[[noreturn]] void throw_too_large(const char* what, int64_t width, int64_t height) {
  throw Error(ErrorKind::kUsage,
              fmt::format("{} of {}x{} pixels is too large", what, width, height),
              "`skip_grid` leaves the grid out; `n_rows` sets how many pictures a row has");
}

/// A side of a sheet of so many places.
int64_t side_of(int64_t places, int64_t pixels) { return places * (pixels + kPadding) + kPadding; }

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
  const auto width = static_cast<int64_t>(columns) * step_x + kPadding;
  const auto height = static_cast<int64_t>(rows) * step_y + kPadding;
  if (!fits_on_a_sheet(width, height)) throw_too_large("a grid", width, height);
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

int64_t pictures_on_a_page(int64_t pictures, int width, int height, int64_t images_per_row) {
  if (pictures <= 1) return 1;
  const int64_t columns = std::min(images_per_row, pictures);
  const int64_t sheet_width = side_of(columns, width);
  if (!fits_on_a_sheet(sheet_width, side_of(1, height))) {
    throw_too_large("a row of the grid", sheet_width, side_of(1, height));
  }
  int64_t rows = std::max<int64_t>(1, kMostOnAPage / columns);
  while (!fits_on_a_sheet(sheet_width, side_of(rows, height))) --rows;
  return std::min(rows * columns, pictures);
}

}  // namespace sd::image
