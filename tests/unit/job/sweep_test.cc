// Sweeps: every combination of the values once, in the order of the sheet.

#include "job/sweep.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sd::test {
using namespace image;
using namespace job;

namespace {

Sweep axes(const std::vector<std::string>& texts) {
  Sweep sweep;
  for (const std::string& text : texts) sweep.push_back(parse_sweep_axis(text));
  return sweep;
}

TEST(Sweep, DrawsEveryCombinationWithOneSeed) {
  Settings settings;
  settings.seed = 7;
  const auto lines = sweep_lines(axes({"scale=3,5", "steps=10,20,30"}), settings, {});
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines[0].settings.picture.scale, 3);
  EXPECT_EQ(lines[0].settings.batch.steps, 10);
  EXPECT_EQ(lines[2].settings.batch.steps, 30);
  EXPECT_EQ(lines[3].settings.picture.scale, 5);
  EXPECT_EQ(lines[3].settings.batch.steps, 10);
  for (const PromptLine& line : lines) EXPECT_EQ(line.settings.picture.seed, 7U);
  EXPECT_EQ(sweep_lines({}, settings, {}).size(), 0U);
}

TEST(Sweep, NamesRowsAndColumns) {
  const SheetLabels one = sweep_labels(axes({"scale=3,5"}), 2);
  EXPECT_EQ(one.columns, (std::vector<std::string>{"scale 3", "scale 5"}));
  EXPECT_TRUE(one.rows.empty());
  const SheetLabels three = sweep_labels(axes({"H=64,128", "scale=3,5", "steps=1,2"}), 8);
  EXPECT_EQ(three.rows, (std::vector<std::string>{"H 64, scale 3", "H 64, scale 5",
                                                  "H 128, scale 3", "H 128, scale 5"}));
  const SheetLabels lines = sweep_labels(axes({"scale=3,5"}), 4);
  EXPECT_EQ(lines.rows, (std::vector<std::string>{"line 1", "line 2"}));
}

TEST(Sweep, RefusesWhatALineCannotHave) {
  const Settings settings;
  for (const char* text : {"scale", "=3", ""}) {
    expect_error(ErrorKind::kUsage, "scale=3,5,7", [&] { parse_sweep_axis(text); });
  }
  expect_error(ErrorKind::kUsage, "no setting",
               [&] { sweep_lines(axes({"ckpt=a,b"}), settings, {}); });
  expect_error(ErrorKind::kUsage, "scale", [&] { sweep_lines(axes({"scale=x"}), settings, {}); });
  for (const char* again : {"scale=7", "H=64", "height=64"}) {
    expect_error(ErrorKind::kUsage, "twice", [&] {
      sweep_lines(axes({"scale=3,5", "H=128", again}), settings, {});
    });
  }
  const std::string many = "steps=1" + std::string(400, ',');
  expect_error(ErrorKind::kUsage, "the limit is", [&] {
    sweep_lines(axes({many, "scale=1" + std::string(400, ',')}), settings, {});
  });
}

}  // namespace
}  // namespace sd::test
