// The texts of a PNG. Check sums are put right first: they would hide all else.
#include <zlib.h>

#include <vector>

#include "base/strings.h"
#include "image/formats/decoders.h"
#include "image/png_metadata.h"
#include "support/fuzz.h"

namespace {

void put_sums_right(std::vector<uint8_t>& bytes) {
  for (size_t chunk = 8; chunk + 12 <= bytes.size();) {
    const size_t length = sd::image::big32(bytes, chunk);
    if (length > bytes.size() - chunk - 12) return;
    const auto sum = static_cast<uint32_t>(crc32_z(0, &bytes[chunk + 4], length + 4));
    for (size_t k = 0; k < 4; ++k) {
      bytes[chunk + 8 + length + k] = static_cast<uint8_t>(sum >> (24 - 8 * k));
    }
    chunk += length + 12;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  put_sums_right(bytes);
  sd::test::expect_error_kinds({sd::ErrorKind::kFile}, [&] {
    for (const auto& [keyword, text] : sd::image::decode_png_metadata(bytes, "input").texts) {
      sd::test::require(sd::is_valid_utf8(keyword) && sd::is_valid_utf8(text), "not UTF-8");
    }
  });
  return 0;
}
