// A prompt file: lines of prompts with flags, or JSON Lines. What is wrong with one line is told in
// it.
#include "cli/prompt_lines.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static sd::test::MemoryFile file;
  sd::Settings settings(sd::Script::kTxt2Img);
  settings.from_file = file.hold(data, size);
  sd::test::expect_error_kinds({sd::ErrorKind::kFile, sd::ErrorKind::kUsage}, [&] {
    sd::test::require(!sd::cli::read_prompt_lines(settings).empty());
  });
  return 0;
}
