// Where the time of a run went, as the program says it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/small_model.h"

namespace sd::test {

namespace {

using nlohmann::json;

class ProfileRun : public SmallModel {};

TEST_F(ProfileRun, IsATableAndAFileThatAgree) {
  const std::string file = (out_ / "profile.json").string();
  const Finished done = run(arguments({"--profile", "--profile-json", file}));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  std::ifstream stream(file);
  const json profile = json::parse(stream);
  std::map<std::string, json> zones;
  for (const json& zone : profile.at("zones")) zones[zone.at("zone")] = zone;
  double seconds = 0;
  for (const auto& [name, zone] : zones) {
    if (name.find('/') != std::string::npos) continue;
    seconds += zone.at("seconds").get<double>();
    EXPECT_NE(done.err.find("\n  " + name), std::string::npos) << name << "\n" << done.err;
  }
  EXPECT_LE(seconds, profile.at("seconds").get<double>() * 1.0001);
  for (const char* part : {"text encoder", "sampler", "sampler/UNet", "decoder"}) {
    ASSERT_EQ(zones.count(part), 1U) << part << "\n" << done.err;
    EXPECT_GT(zones[part].at("gflop"), 0) << part;
  }
  // Loading computes nothing, nor does the plan of what memory is needed.
  ASSERT_EQ(zones.count("load"), 1U) << done.err;
  EXPECT_EQ(zones["load"].at("gflop"), 0);
  EXPECT_EQ(zones.count("PNG"), 1U) << done.err;
  EXPECT_NE(done.err.find("\n  all "), std::string::npos) << done.err;
}

TEST_F(ProfileRun, IsSilentUnlessAskedFor) {
  const Finished done = run(arguments());
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(done.err.find("GFLOP"), std::string::npos);
}

TEST_F(ProfileRun, CostsNoPictureWhereItCannotBeWritten) {
  const Finished done =
      run(arguments({"--profile-json", (out_ / "no such folder/profile.json").string()}));
  EXPECT_NE(done.exit_code, 0);
  EXPECT_EQ(count_lines(done.err, "error: "), 1) << done.err;
  EXPECT_TRUE(std::filesystem::exists(out_ / "out/samples/00000.png"));
}

}  // namespace
}  // namespace sd::test
