#pragma once

#include <cstddef>

#include "sd/image.h"

namespace sd::image {

struct ImageDifference {
  int largest = 0;    ///< of 255
  size_t values = 0;  ///< that differ
};

/// How much two pictures of one size differ.
ImageDifference difference_of(const Image& a, const Image& b);

}  // namespace sd::image
