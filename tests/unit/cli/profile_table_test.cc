#include "cli/profile_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sd {
using namespace cli;
using namespace runtime;

namespace {

/// Ten seconds: 8 in the UNet, 6 of them in convolutions that do 300 GFLOP.
Profile example() {
  return {.seconds = 10, .zones = {{"UNet", 0, 2, 8, 2, 3e11}, {"conv 3x3", 1, 4, 6, 6, 3e11}}};
}

TEST(ProfileTable, ShowsSharesRatesAndTheRest) {
  EXPECT_EQ(
      profile_table(example()),
      "  zone                                  calls    seconds    share        GFLOP   GFLOP/s\n"
      "  UNet                                      2      8.000    80.0%        300.0      37.5\n"
      "    conv 3x3                                4      6.000    60.0%        300.0      50.0\n"
      "    other                                          2.000    20.0%\n"
      "  other                                            2.000    20.0%\n"
      "  all                                             10.000   100.0%\n");
}

TEST(ProfileTable, NamesZonesByTheirPathInJson) {
  const auto all = nlohmann::json::parse(profile_json(example()));
  EXPECT_EQ(all["seconds"], 10);
  ASSERT_EQ(all["zones"].size(), 2U);
  EXPECT_EQ(all["zones"][1]["zone"], "UNet/conv 3x3");
  EXPECT_EQ(all["zones"][1]["gflop"], 300);
  EXPECT_EQ(all["zones"][0]["self_seconds"], 2);
}

}  // namespace
}  // namespace sd
