// The JSON that says how a picture was drawn: what is read of it can be written again.
#include "job/picture_record.h"

#include "job/a1111_text.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sd::test::expect_error_kinds({sd::ErrorKind::kFile}, [&] {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const sd::job::PictureRecord record = sd::job::parse_record(text, "input");
    sd::test::require(!sd::job::to_json(record).dump().empty() &&
                      !sd::job::a1111_text(record).empty());
  });
  return 0;
}
