#include "image/labelled_sheet.h"

#include <algorithm>

#include "image/grid.h"
#include "image/letters.h"

namespace sd::image {
namespace {

constexpr int kBorder = 2;  // of make_grid

int longest(const std::vector<std::string>& labels) {
  size_t most = 0;
  for (const std::string& label : labels) most = std::max(most, label.size());
  return static_cast<int>(std::min<size_t>(most, 40));
}

}  // namespace

Image labelled_sheet(const std::vector<Image>& images, int images_per_row,
                     const SheetLabels& labels) {
  const Image grid = make_grid(images, images_per_row);
  if (labels.empty()) return grid;
  const int left = labels.rows.empty() ? 0 : (longest(labels.rows) + 1) * kLetterWidth;
  const int top = labels.columns.empty() ? 0 : 2 * kLetterHeight;
  Image sheet(grid.width + left, grid.height + top);
  for (int y = 0; y < grid.height; ++y) {
    std::copy_n(grid.at(0, y), static_cast<size_t>(grid.width) * 3, sheet.at(left, top + y));
  }
  const int columns = std::min(images_per_row, static_cast<int>(images.size()));
  const int rows = (static_cast<int>(images.size()) + columns - 1) / columns;
  const int width = (grid.width - kBorder) / columns, height = (grid.height - kBorder) / rows;
  for (int i = 0; i < std::min(columns, static_cast<int>(labels.columns.size())); ++i) {
    const std::string& label = labels.columns[static_cast<size_t>(i)];
    const auto fits = static_cast<size_t>(std::max(width / kLetterWidth, 1));
    draw_text(&sheet, left + kBorder + i * width, kLetterHeight / 2, label.substr(0, fits));
  }
  for (int i = 0; i < std::min(rows, static_cast<int>(labels.rows.size())); ++i) {
    const std::string label = labels.rows[static_cast<size_t>(i)].substr(0, 40);
    draw_text(&sheet, kLetterWidth / 2, top + kBorder + i * height, label);
  }
  return sheet;
}

}  // namespace sd::image
