// The presets that come with the program.

#include "job/presets.h"

#include <gtest/gtest.h>

#include "job/setting_layers.h"

namespace sd::test {
using namespace job;

namespace {

/// The settings of a txt2img run with the preset and nothing else.
Settings settings_of(const Preset& preset) {
  SettingLayer layer{.origin = preset.name, .values = {}};
  for (const auto& [key, text] : preset.values) layer.values.push_back({find_setting(key), text});
  LayeredSettings layers;
  layers.add(layer);
  return layers.settings(Script::kTxt2Img);
}

TEST(Presets, ExactIsTheDefault) {
  const Settings exact = settings_of(*find_preset("exact"));
  EXPECT_EQ(text_values(exact), text_values(Settings()));
}

TEST(Presets, FastTakesAFifthOfTheStepsAndGuidanceInTheFirst) {
  const Settings fast = settings_of(*find_preset("fast"));
  EXPECT_EQ(fast.batch.sampler, "dpmpp_2m");
  EXPECT_EQ(fast.batch.schedule, "align_your_steps");
  EXPECT_EQ(fast.batch.steps, 10);
  EXPECT_EQ(fast.batch.knobs.guidance_until, 0.4);
  EXPECT_EQ(fast.device.precision, Precision::kFastest);
  EXPECT_EQ(fast.picture.scale, Settings().picture.scale);
}

TEST(Presets, SayWhatWasMeasuredAndWhatIsMissing) {
  Settings settings = settings_of(*find_preset("fast"));
  const auto words = words_about(*find_preset("fast"), settings);
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(
      words[0],
      "preset fast: 64 of the built-in model's 64 held-out prompts come out right at scale 3, as "
      "with 50 steps of PLMS");
  settings.batch.steps = 4;
  EXPECT_TRUE(words_about(*find_preset("fast"), settings).empty()) << "not what was measured";

  settings = settings_of(*find_preset("turbo"));
  const auto missing = words_about(*find_preset("turbo"), settings);
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing.back(),
            "preset turbo: it is for a model or an adapter that was distilled for few steps (LCM, "
            "TCD), and none is named");
  settings.batch.loras = {{.file = "lcm.safetensors"}};
  EXPECT_EQ(words_about(*find_preset("turbo"), settings).size(), 1U);
  settings.batch.loras.clear();
  settings.ckpt = "lcm.safetensors";
  EXPECT_TRUE(words_about(*find_preset("turbo"), settings).empty()) << "another model";
}

TEST(Presets, GiveTheBuiltInModelItsAdapterForFewSteps) {
  const Preset& turbo = *find_preset("turbo");
  Settings settings;
  take_adapter(turbo, &settings);
  ASSERT_EQ(settings.batch.loras.size(), 1U);
  EXPECT_TRUE(settings.batch.loras[0].file.ends_with("models/demo/lcm.safetensors"));

  Settings given;
  given.batch.loras = {{.file = "other.safetensors"}};
  take_adapter(turbo, &given);
  EXPECT_EQ(given.batch.loras, std::vector<LoraUse>{{.file = "other.safetensors"}});

  Settings other_model;
  other_model.ckpt = "model.ckpt";
  take_adapter(turbo, &other_model);
  EXPECT_TRUE(other_model.batch.loras.empty());

  Settings fast;
  take_adapter(*find_preset("fast"), &fast);
  EXPECT_TRUE(fast.batch.loras.empty());
}

}  // namespace
}  // namespace sd::test
