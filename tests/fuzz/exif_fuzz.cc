// Of any bytes the orientation is 1 to 8 and the texts are UTF-8.
#include "base/strings.h"
#include "image/exif.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int orientation = sd::image::exif_orientation({data, size});
  sd::test::require(orientation >= 1 && orientation <= 8, "an orientation that is none");
  const sd::image::ExifTexts texts = sd::image::exif_texts({data, size});
  sd::test::require(sd::is_valid_utf8(texts.user_comment), "not UTF-8");
  sd::test::require(sd::is_valid_utf8(texts.image_description), "not UTF-8");
  for (const auto& [name, text] : texts.others) {
    sd::test::require(sd::is_valid_utf8(text), "not UTF-8");
  }
  return 0;
}
