// Of any bytes the orientation is 1 to 8 and the comment is UTF-8.
#include "base/strings.h"
#include "image/exif.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int orientation = sd::exif_orientation({data, size});
  sd::test::require(orientation >= 1 && orientation <= 8, "an orientation that is none");
  sd::test::require(sd::is_valid_utf8(sd::exif_user_comment({data, size})), "not UTF-8");
  return 0;
}
