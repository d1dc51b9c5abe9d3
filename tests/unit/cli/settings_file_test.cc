// Settings files: what they may say, and what of them is refused.

#include "cli/settings_file.h"

#include <gtest/gtest.h>

#include <map>

#include "support/expect_error.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using Values = std::map<std::string, std::string>;

Values values_of(const SettingLayer& layer) {
  Values values;
  for (const LayerValue& value : layer.values) values[value.setting->key] = *value.text;
  return values;
}

SettingsFile parse(const std::string& text, Script script = Script::kTxt2Img,
                   Trust trust = Trust::kFull) {
  return parse_settings(text, "f.toml", script, trust);
}

void expect_refused(const std::string& text, const std::string& part, Trust trust = Trust::kFull) {
  SCOPED_TRACE(text);
  expect_error(ErrorKind::kUsage, part, [&] { parse(text, Script::kTxt2Img, trust); });
}

TEST(SettingsFile, TakesKeysAndFlagsOfBothSpellings) {
  const auto file = parse(
      "# mine\nsteps = 20   # few\n\nn-samples=4\nnegative_prompt = \"a dog, a #1 leash\"\n"
      "skip_grid = true\nH = 640\nsigmas = [14.6, 3,\n  0.5, 0]\nprompt = 'say \"hi\"'\n");
  EXPECT_EQ(values_of(file.layer), (Values{{"steps", "20"},
                                           {"n_samples", "4"},
                                           {"negative_prompt", "a dog, a #1 leash"},
                                           {"skip_grid", "true"},
                                           {"height", "640"},
                                           {"sigmas", "14.6,3,0.5,0"},
                                           {"prompt", "say \"hi\""}}));
}

/// One that may be given again on the command line is a list.
TEST(SettingsFile, TakesListsOfWhatMayRepeat) {
  const Values two = {{"lora", "style:0.5\nmy light.safetensors"}};
  EXPECT_EQ(values_of(parse("lora = [\"style:0.5\", \"my light.safetensors\"]").layer), two);
  EXPECT_EQ(values_of(parse("lora = [\n  'style:0.5',\n  'my light.safetensors']").layer), two);
  EXPECT_EQ(values_of(parse("lora = \"style\"").layer), (Values{{"lora", "style"}}));
  const auto file = parse("[preset.mine]\nlora = [\"a\", \"b\"]");
  ASSERT_EQ(file.presets.size(), 1U);
  EXPECT_EQ(file.presets[0].values,
            (std::vector<std::pair<std::string, std::string>>{{"lora", "a\nb"}}));
}

TEST(SettingsFile, HasSectionsOfScriptsAndPresets) {
  const std::string text =
      "scale = 6\n[txt2img]\nsteps = 20\n[img2img]\nstrength = 0.5\n[preset.mine]\nsteps = 8\n"
      "sampler = \"euler\"\n[preset.other]\nscale = 2\n";
  EXPECT_EQ(values_of(parse(text).layer), (Values{{"scale", "6"}, {"steps", "20"}}));
  const auto img2img = parse(text, Script::kImg2Img);
  EXPECT_EQ(values_of(img2img.layer), (Values{{"scale", "6"}, {"strength", "0.5"}}));
  ASSERT_EQ(img2img.presets.size(), 2U);
  EXPECT_EQ(img2img.presets[0].name, "mine");
  EXPECT_EQ(img2img.presets[0].values, (std::vector<std::pair<std::string, std::string>>{
                                           {"steps", "8"}, {"sampler", "euler"}}));
  EXPECT_EQ(parse("").layer.values.size(), 0U);
}

/// A section of the script counts above what is for both, wherever it stands.
TEST(SettingsFile, TakesDottedKeysAsSections) {
  const auto file = parse("txt2img.steps = 3\nsteps = 4\npreset.mine.scale = 2\n");
  EXPECT_EQ(file.layer.values.back().text, "3");
  ASSERT_EQ(file.presets.size(), 1U);
  EXPECT_EQ(file.presets[0].name, "mine");
  EXPECT_EQ(parse("[preset]\nmine.scale = 2").presets.size(), 1U);
}

TEST(SettingsFile, IsRefusedWhereItIsNotUnderstood) {
  expect_refused("stps = 3", "line 1: there is no setting 'stps'");
  expect_refused("STEPS = 3", "there is no setting 'STEPS'");
  expect_refused("preset = \"fast\"", "there is no setting 'preset'");
  expect_refused("[preset.mine]\npreset = \"fast\"", "there is no setting 'preset'");
  expect_refused("steps = [3, 4]", "expected one value, found 2");
  expect_refused("steps = []", "expected one value, found 0");
  expect_refused("own_seed = 3", "there is no setting");
  expect_refused("drawn_height = 64", "there is no setting");
  expect_refused("[bananas]\nsteps = 3", "no section [bananas]");
  expect_refused("[txt2img]\nstrength = 0.3", "txt2img has no such setting");
  expect_refused("[preset.exact]\nsteps = 3", "comes with the program");
  for (const char* section :
       {"[default]", "[preset]", "[preset.a.b]", "[txt2img.a]", "[TXT2IMG]"}) {
    expect_refused(std::string(section) + "\nsteps = 3", "no section [");
  }
}

TEST(SettingsFile, IsRefusedWhereItSetsSomethingTwice) {
  for (const char* text :
       {"steps = 3\nsteps = 3", "steps = 3\nscale = 1\nddim-steps = 4", "lora = 'a'\nlora = 'b'",
        "[txt2img]\nsteps = 3\n[img2img]\n[txt2img]\nsteps = 3",
        "[preset.a]\nsteps = 3\n[preset.b]\nsteps = 4\n[preset.a]\nsteps = 3"}) {
    expect_refused(text, "it is set twice");
  }
}

TEST(SettingsFile, OfAProjectMaySetNoPathNoOutputAndNothingOfSafety) {
  for (const char* line : {"ckpt = \"x\"",
                           "config = \"x\"",
                           "outdir = \"x\"",
                           "init-img = \"x\"",
                           "from-file = \"x\"",
                           "safety = \"off\"",
                           "safety_ckpt = \"x\"",
                           "lora = [\"x\"]",
                           "laion400m = true",
                           "shard = \"1/2\"",
                           "\"safety\" = [\"off\"]",
                           "txt2img.safety = \"off\"",
                           "[ txt2img ]\n'ckpt' = 'x'",
                           "preset.x.outdir = 'x'",
                           "no_watermark = true",
                           "watermark = \"x\"",
                           "no_metadata = true",
                           "skip_save = true",
                           "progress_fd = 3",
                           "profile_json = \"x\"",
                           "[preset.x]\nsafety = \"off\"",
                           "[img2img]\ninit_image = \"x\""}) {
    expect_refused(line, "a file of the working folder may not set", Trust::kProject);
    EXPECT_NO_THROW(parse(line));
  }
  const auto file =
      parse("steps = 9\nprompt = \"x\"\nthreads = 2", Script::kTxt2Img, Trust::kProject);
  EXPECT_EQ(file.layer.values.size(), 3U);
}

}  // namespace
}  // namespace sd::test
