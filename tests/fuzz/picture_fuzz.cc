// SD_DECODE is the decoder of one picture format: it gives a picture or Error(kFile), nothing else.
#include "base/log.h"
#include "image/formats/decoders.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sd::set_verbosity(sd::Verbosity::kQuiet);
  sd::test::expect_error_kinds({sd::ErrorKind::kFile}, [&] {
    const sd::Image image = sd::image::SD_DECODE({data, size}, "input");
    sd::test::require(!image.empty() && image.rgb.size() == image.pixels() * 3);
  });
  return 0;
}
