// Which source of a setting wins.

#include "job/setting_layers.h"

#include <gtest/gtest.h>

#include "job/presets.h"
#include "support/expect_error.h"

namespace sd::test {
using namespace job;

namespace {

SettingLayer layer(const std::string& origin,
                   const std::vector<std::pair<std::string, std::string>>& values) {
  SettingLayer made{.origin = origin, .values = {}};
  for (const auto& [key, text] : values) made.values.push_back({find_setting(key), text});
  return made;
}

std::string origin_of(const LayeredSettings& layers, const char* key) {
  const std::string* origin = layers.origin(*find_setting(key));
  return origin == nullptr ? "default" : *origin;
}

TEST(SettingLayers, TheLastThatSetsAValueWins) {
  LayeredSettings layers;
  layers.add(layer("user", {{"steps", "10"}, {"scale", "3"}}));
  layers.add(layer("project", {{"steps", "20"}}));
  const Settings settings = layers.settings(Script::kTxt2Img);
  EXPECT_EQ(settings.batch.steps, 20);
  EXPECT_EQ(settings.picture.scale, 3);
  EXPECT_EQ(settings.n_iter, 2);
  EXPECT_EQ(origin_of(layers, "steps"), "project");
  EXPECT_EQ(origin_of(layers, "scale"), "user");
  EXPECT_EQ(origin_of(layers, "n_iter"), "default");
}

TEST(SettingLayers, AValueWithoutATextTakesTheLowerOnesBack) {
  LayeredSettings layers;
  layers.add(layer("user", {{"steps", "10"}}));
  layers.add({.origin = "command line", .values = {{find_setting("steps"), std::nullopt}}});
  EXPECT_EQ(layers.settings(Script::kTxt2Img).batch.steps, 50);
  EXPECT_EQ(origin_of(layers, "steps"), "command line");
}

TEST(SettingLayers, WhatIsDecidedTogetherComesFromOneLayer) {
  LayeredSettings layers;
  layers.add(layer("user", {{"sampler", "euler"}, {"schedule", "karras"}}));
  layers.add(layer("project", {{"plms", "true"}}));
  const Settings settings = layers.settings(Script::kTxt2Img);
  EXPECT_EQ(settings.batch.sampler, "ddim");
  EXPECT_TRUE(settings.plms);
  EXPECT_EQ(settings.batch.schedule, "karras");
}

TEST(SettingLayers, LeaveOutWhatTheScriptDoesNotKnow) {
  LayeredSettings layers;
  layers.add(layer("user", {{"dpm_solver", "true"}, {"strength", "0.5"}}));
  EXPECT_TRUE(layers.settings(Script::kTxt2Img).dpm_solver);
  EXPECT_FALSE(layers.settings(Script::kImg2Img).dpm_solver);
  EXPECT_EQ(layers.settings(Script::kImg2Img).batch.init.strength, 0.5);
}

TEST(SettingLayers, SayWhereAWrongValueStands) {
  LayeredSettings layers;
  layers.add(layer("./sd.toml", {{"steps", "many"}}));
  expect_error(ErrorKind::kUsage, "./sd.toml: `steps`: expected a whole number, found 'many'",
               [&] { layers.settings(Script::kTxt2Img); });
}

TEST(Presets, NameSettingsAndGiveThemValues) {
  ASSERT_NE(find_preset("exact"), nullptr);
  EXPECT_EQ(find_preset("bananas"), nullptr);
  for (const Preset& preset : presets()) {
    SettingLayer values = layer(preset.name, preset.values);
    for (const LayerValue& value : values.values) ASSERT_NE(value.setting, nullptr) << preset.name;
    LayeredSettings layers;
    layers.add(values);
    EXPECT_NO_THROW(check_limits(layers.settings(Script::kTxt2Img))) << preset.name;
    EXPECT_FALSE(preset.help.empty());
  }
}

}  // namespace
}  // namespace sd::test
