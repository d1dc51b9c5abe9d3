#include "image/difference.h"

#include <algorithm>
#include <cstdlib>

namespace sd::image {

ImageDifference difference_of(const Image& a, const Image& b) {
  ImageDifference difference;
  for (size_t i = 0; i < a.rgb.size(); ++i) {
    const int by = std::abs(int{a.rgb[i]} - int{b.rgb[i]});
    difference.largest = std::max(difference.largest, by);
    if (by != 0) ++difference.values;
  }
  return difference;
}

}  // namespace sd::image
