// A prompt of any bytes: it is not UTF-8, or it has as many ids as every prompt. SD_MAKE makes the
// tokenizer of the file SD_FILE.
#include "runtime/data_files.h"
#include "support/fuzz.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokenizer = sd::text::SD_MAKE(sd::runtime::data_file(SD_FILE));
  sd::test::expect_error_kinds({sd::ErrorKind::kUsage}, [&] {
    const sd::text::Tokens tokens = tokenizer->encode({reinterpret_cast<const char*>(data), size});
    const auto used = static_cast<size_t>(tokens.used);
    sd::test::require(tokens.ids.size() == 77 && used >= 2 && used <= 77);
    sd::test::require(tokens.pieces.size() == used, "ids and pieces differ");
  });
  return 0;
}
