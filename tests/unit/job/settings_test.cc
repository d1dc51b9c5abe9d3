// The table of settings: what holds for every row, whatever it is.

#include "job/settings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/words.h"
#include "support/expect_error.h"

namespace sd::test {
using namespace job;

namespace {

using nlohmann::json;

bool in_lines(const Setting& setting) {
  return setting.about.where == Settable::kLine || setting.about.where == Settable::kBoth;
}

TEST(Settings, HaveKeysAndPlacesOfTheirOwn) {
  std::set<std::string> keys, records, fields;
  size_t place = 0;
  for (const Setting& setting : all_settings()) {
    SCOPED_TRACE(setting.key);
    EXPECT_EQ(setting.place, place++);
    EXPECT_TRUE(keys.insert(setting.key).second);
    EXPECT_EQ(find_setting(setting.key), &setting);
    const std::string record = setting.about.record, field = setting.about.a1111;
    if (!record.empty()) {
      EXPECT_EQ(record.front(), '/');
      EXPECT_TRUE(records.insert(record).second);
    }
    EXPECT_TRUE(record.size() > 0 || !setting.about.required);
    EXPECT_TRUE(field.empty() || fields.insert(field).second);
  }
  EXPECT_EQ(find_setting("no_such"), nullptr);
}

TEST(Settings, HaveFlagsOfTheirOwnAndAHelp) {
  for (const Script script : {Script::kTxt2Img, Script::kImg2Img}) {
    std::set<std::string> command, line;
    for (const Setting& setting : all_settings()) {
      SCOPED_TRACE(setting.key);
      const bool nowhere = setting.about.where == Settable::kNowhere;
      EXPECT_EQ(setting.flags().empty(), nowhere);
      EXPECT_EQ(*setting.about.help == '\0', nowhere);
      if (!setting.known_to(script)) continue;
      for (const std::string& flag : setting.flags()) {
        const bool unique_in_lines = !in_lines(setting) || line.insert(flag).second;
        const bool on_command = setting.about.where != Settable::kLine;
        EXPECT_TRUE(unique_in_lines && (!on_command || command.insert(flag).second)) << flag;
      }
    }
  }
}

TEST(Settings, ThatALineMaySetAreALines) {
  for (const Setting& setting : all_settings()) {
    EXPECT_TRUE(setting.is_line || !in_lines(setting)) << setting.key;
  }
}

TEST(Settings, ComeBackFromTextAndJson) {
  for (const Script script : {Script::kTxt2Img, Script::kImg2Img}) {
    const Settings settings(script);
    const std::vector<std::string> texts = text_values(settings);
    const std::vector<json> values = json_values(settings);
    ASSERT_EQ(texts.size(), all_settings().size());
    for (const Setting& setting : all_settings()) {
      SCOPED_TRACE(setting.key);
      Settings back(script == Script::kTxt2Img ? Script::kImg2Img : Script::kTxt2Img);
      set_json(&back, setting, values[setting.place]);
      EXPECT_EQ(json_values(back)[setting.place], values[setting.place]);
      if (texts[setting.place].empty()) continue;
      set_text(&back, setting, texts[setting.place]);
      EXPECT_EQ(text_values(back)[setting.place], texts[setting.place]);
    }
  }
}

TEST(Settings, TakeEveryWordOfTheirEnumeration) {
  int words = 0;
  for (const Setting& setting : all_settings()) {
    for (const std::string& word : setting.words) {
      Settings settings;
      set_text(&settings, setting, word);
      EXPECT_EQ(text_values(settings)[setting.place], word);
      ++words;
    }
    if (setting.words.empty()) continue;
    Settings settings;
    expect_error(ErrorKind::kUsage, "found unheard_of",
                 [&] { set_text(&settings, setting, "unheard_of"); });
  }
  EXPECT_GT(words, 20);
}

TEST(Settings, OutsideTheirLimitsAreNamed) {
  Settings settings;
  EXPECT_NO_THROW(check_limits(settings));
  settings.n_iter = 0;
  expect_error(ErrorKind::kUsage, "`n_iter` must be from 1 to 1000000, found 0",
               [&] { check_limits(settings); });
  settings = Settings();
  settings.n_rows = 1025;
  expect_error(ErrorKind::kUsage, "`n_rows` must be from 0 to 1024",
               [&] { check_limits(settings); });
  expect_error(ErrorKind::kUsage, "`drawn_width` must be",
               [&] { set_json(&settings, *find_setting("drawn_width"), 0); });
}

TEST(Settings, OfALineAreSetInALine) {
  LineSettings line;
  set_text(&line, *find_setting("steps"), "7");
  EXPECT_EQ(line.batch.steps, 7);
}

TEST(BatchSettings, ThatAreEqualMayShareABatch) {
  BatchSettings some;
  some.width = some.height = 64;
  some.sampler = "plms";
  some.steps = 3;
  EXPECT_EQ(some, some);
  BatchSettings other = some;
  other.init.strength = 0.5;
  EXPECT_NE(some, other);
}

TEST(Words, AreSpeltOnce) {
  EXPECT_STREQ(word_of(Precision::kBf16), "bf16");
  ASSERT_NE(value_of<Stage>("decode"), nullptr);
  EXPECT_EQ(*value_of<Stage>("decode"), Stage::kDecode);
  EXPECT_EQ(value_of<Stage>("Decode"), nullptr);
}

}  // namespace
}  // namespace sd::test
