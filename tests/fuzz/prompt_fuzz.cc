// Any bytes are a prompt or refused as one: its parts have stages, and these have weights.
#include <string_view>

#include "support/fuzz.h"
#include "text/prompt_schedule.h"
#include "text/prompt_syntax.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sd::test::expect_error_kinds({sd::ErrorKind::kUsage}, [&] {
    const auto parsed = sd::text::parse_prompt(text, sd::PromptSyntax::kWebUi);
    sd::test::require(!parsed.parts.empty(), "a prompt without a part");
    for (const sd::text::PromptPart& part : parsed.parts) {
      const auto stages = sd::text::schedule_prompt(part.text, {.steps = 5});
      sd::test::require(stages.back().until == 5, "stages that end before the last step");
      for (const sd::text::PromptStage& stage : stages) {
        sd::test::require(!sd::text::parse_attention(stage.text).empty(),
                          "a text without a stretch");
      }
    }
  });
  return 0;
}
