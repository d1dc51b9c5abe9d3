#include "image/png_sums.h"

#include <fmt/core.h>
#include <zlib.h>

#include "base/strings.h"
#include "image/formats/decoders.h"

namespace sd::image {

std::string problem_of_png_sums(std::span<const uint8_t> bytes) {
  if (!has_text(bytes, kPngSignature)) return "";
  bytes = bytes.subspan(kPngSignature.size());
  while (!bytes.empty()) {  // length, name, data, check sum of name and data
    constexpr size_t kAround = 12;
    if (bytes.size() < kAround || big32(bytes, 0) > bytes.size() - kAround) {
      return "it ends within a chunk";
    }
    const size_t length = big32(bytes, 0);
    const auto summed = bytes.subspan(4, 4 + length);
    const auto sum = ::crc32(0, summed.data(), static_cast<uInt>(summed.size()));
    const std::string name(summed.begin(), summed.begin() + 4);
    if (sum != big32(bytes, 8 + length)) {
      return fmt::format("the check sum of its {} is wrong", printable(name));
    }
    bytes = bytes.subspan(kAround + length);
    if (name == "IEND") return bytes.empty() ? "" : "there are bytes after its end";
  }
  return "it has no end";
}

}  // namespace sd::image
