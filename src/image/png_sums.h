#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sd::image {

/// What is wrong with the lengths and check sums of a PNG's chunks, as "the check sum of its IDAT
/// is wrong", or nothing. Nothing for other formats, too, which have no such sums. Readers of
/// pictures overlook a wrong sum of pixels; this is for files that must be as they were written.
std::string problem_of_png_sums(std::span<const uint8_t> bytes);

}  // namespace sd::image
