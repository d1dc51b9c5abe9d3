// Any bytes as another program's record, under every keyword that a reader asks for: no crash, and
// what is understood can be written.
#include "base/strings.h"
#include "job/command_line.h"
#include "job/foreign/foreign_record.h"
#include "job/foreign/foreign_settings.h"
#include "support/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!sd::is_valid_utf8(text)) return 0;  // (texts of pictures are UTF-8)
  for (const char* keyword :
       {"parameters", "prompt", "workflow", "Dream", "sd-metadata", "invokeai_metadata", "Comment",
        "XML:com.adobe.xmp", "file:txt", "file:json"}) {
    sd::image::PngMetadata texts;
    texts.add("Software", "NovelAI");
    texts.add(keyword, text);
    const sd::job::ForeignRecord record = sd::job::read_foreign_record(texts);
    if (!record.error.empty()) continue;
    std::vector<std::string> cannot;
    const std::string line = sd::job::command_line(sd::job::settings_of(record, &cannot));
    sd::test::require(sd::is_valid_utf8(line), "a command line that is not UTF-8");
    sd::test::require(!sd::job::to_json(record).dump().empty(), "a record that cannot be written");
  }
  return 0;
}
