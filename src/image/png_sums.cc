#include "image/png_sums.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace sd::image {
namespace {

constexpr std::array<uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

uint32_t big_endian(std::span<const uint8_t> bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

}  // namespace

std::string problem_of_png_sums(std::span<const uint8_t> bytes) {
  const bool is_png = bytes.size() >= kSignature.size() &&
                      std::equal(kSignature.begin(), kSignature.end(), bytes.begin());
  if (!is_png) return "";
  bytes = bytes.subspan(kSignature.size());
  while (!bytes.empty()) {  // length, name, data, check sum of name and data
    constexpr size_t kAround = 12;
    if (bytes.size() < kAround || big_endian(bytes) > bytes.size() - kAround) {
      return "it ends within a chunk";
    }
    const size_t length = big_endian(bytes);
    const auto summed = bytes.subspan(4, 4 + length);
    const auto sum = ::crc32(0, summed.data(), static_cast<uInt>(summed.size()));
    const std::string name(summed.begin(), summed.begin() + 4);
    if (sum != big_endian(bytes.subspan(8 + length))) {
      return fmt::format("the check sum of its {} is wrong", printable(name));
    }
    bytes = bytes.subspan(kAround + length);
    if (name == "IEND") return bytes.empty() ? "" : "there are bytes behind its end";
  }
  return "it has no end";
}

}  // namespace sd::image
