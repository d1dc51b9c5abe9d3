// The line of a run's progress: what it says, and that it fits.

#include "cli/progress_bar.h"

#include <gtest/gtest.h>

#include "base/wrap.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

RunProgress sampled(int step, int64_t pictures = 6) {
  return {.event = {.stage = Stage::kSample, .step = step, .total = 50, .seconds = 0.5 * step},
          .batch = 1,
          .batches = pictures,
          .drawn = 2,
          .pictures = pictures,
          .seconds_left = 3600};
}

/// Noon of some day, here.
std::time_t noon() {
  std::tm local = {};
  local.tm_year = 126;
  local.tm_mday = 1;
  local.tm_hour = 12;
  local.tm_isdst = -1;
  return std::mktime(&local);
}

TEST(ProgressLine, SaysPictureTimeLeftEndAndPace) {
  EXPECT_EQ(progress_line(sampled(25), 120, noon()),
            "sample [████████████············] 25/50  picture 3 of 6  1:00:00 left  until 13:00  "
            "0.500 s/it  6 pictures/h");
}

TEST(ProgressLine, LeavesOutWhatMattersLess) {
  EXPECT_EQ(progress_line(sampled(25), 60, noon()),
            "sample [███████·······] 25/50  picture 3 of 6  1:00:00 left");
  EXPECT_EQ(progress_line(sampled(25), 40, noon()), "sample [████····] 25/50  picture 3 of 6");
}

TEST(ProgressLine, IsNarrowerThanTheTerminal) {
  for (int columns = 20; columns < 200; ++columns) {
    for (const int step : {0, 1, 49, 50}) {
      EXPECT_LT(text_columns(progress_line(sampled(step), columns, noon())), columns) << columns;
    }
  }
}

TEST(ProgressLine, OfOnePictureTellsItsOwnTime) {
  RunProgress one = sampled(10, 1);
  one.seconds_left.reset();
  const std::string line = progress_line(one, 100, noon());
  EXPECT_NE(line.find("0:20 left  until 12:00"), std::string::npos) << line;
  EXPECT_EQ(line.find("picture"), std::string::npos) << line;
}

}  // namespace
}  // namespace sd::test
