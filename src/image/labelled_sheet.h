#pragma once

#include <string>
#include <vector>

#include "image/image.h"

namespace sd::image {

/// What stands above the columns and before the rows of a sheet.
struct SheetLabels {
  std::vector<std::string> columns;
  std::vector<std::string> rows;

  bool empty() const { return columns.empty() && rows.empty(); }
};

/// make_grid's sheet with labels in white on black: one above each column, one before each row.
/// Throws as make_grid does.
Image labelled_sheet(const std::vector<Image>& images, int images_per_row,
                     const SheetLabels& labels);

}  // namespace sd::image
