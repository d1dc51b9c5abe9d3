#include "job/lora_text.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd {
using namespace job;

namespace {

struct Case {
  const char* text;
  const char* file;
  double unet, te;
};

TEST(ParseLora, TakesStrengthsFromTheEnd) {
  const Case cases[] = {
      {"a.safetensors", "a.safetensors", 1, 1},
      {"a.safetensors:0.5", "a.safetensors", 0.5, 0.5},
      {"a.safetensors:0.5:0.25", "a.safetensors", 0.5, 0.25},
      {"a:te=0.25", "a", 1, 0.25},
      {"a:unet=0.5", "a", 0.5, 0.5},
      {"a:te=0.25:unet=0.5", "a", 0.5, 0.25},
      {"a:0.5:te=0.25", "a", 0.5, 0.25},
      {"a:-1", "a", -1, -1},
      {"a:b:0.5", "a:b", 0.5, 0.5},
      {"a:name", "a:name", 1, 1},
      {"a:", "a:", 1, 1},
      {"a:nan", "a:nan", 1, 1},
  };
  for (const Case& one : cases) {
    const LoraUse use = parse_lora(one.text);
    EXPECT_EQ(use.file, one.file) << one.text;
    EXPECT_EQ(use.unet, one.unet) << one.text;
    EXPECT_EQ(use.text, one.te) << one.text;
    EXPECT_EQ(parse_lora(text_of_lora(use)), use) << one.text;
  }
  EXPECT_EQ(parse_lora("a:0.5:dyn=4").rank, 4);
}

TEST(ParseLora, RefusesWhatIsTwiceOrNoRank) {
  for (const char* text : {"a:1:2:3", "a:unet=1:unet=2", "a:1:unet=2", "a:dyn=0", "a:dyn=1.5"}) {
    test::expect_error(ErrorKind::kUsage, "found 'a:", [&] { parse_lora(text); });
  }
  test::expect_error(ErrorKind::kUsage, "expected an adapter's file", [] { parse_lora(""); });
}

TEST(ParseLora, TakesAnExistingFileAsItIs) {
  const test::TempFolder folder;
  const std::string file = folder.write("a:0.5", "x").string();
  EXPECT_EQ(parse_lora(file).file, file);
  EXPECT_EQ(parse_lora(file).unet, 1);
  EXPECT_EQ(parse_lora(file + ":0.25").file, file);
  EXPECT_EQ(parse_lora(file + ":0.25").unet, 0.25);
}

TEST(WebUiText, HasTheTextEncodersStrengthFirst) {
  EXPECT_EQ(webui_text({.file = "b/style.safetensors", .unet = 0.5, .text = 0.5}),
            "<lora:style:0.5>");
  EXPECT_EQ(webui_text({.file = "style.pt", .unet = 0.5, .text = 0.25}), "<lora:style:0.25:0.5>");
  EXPECT_EQ(webui_text({.file = "style.pt", .rank = 4}), "<lora:style:1:1:4>");
}

}  // namespace
}  // namespace sd
