// Settings from files, variables and presets: what wins, and what is said of it.

#include "cli/small_model.h"
#include "support/variable.h"

namespace sd::test {
namespace {

using nlohmann::json;

class SettingSources : public SmallModel {
 protected:
  /// "20 from ./sd.toml": what `sd settings` says of the setting.
  std::string shown(const std::string& key, Words more = {}) {
    more.insert(more.begin(), {"settings", "--json"});
    const Finished done = run_here(more);
    if (done.exit_code != 0) return done.err;
    for (const json& each : json::parse(done.out)) {
      if (each["key"] == key) {
        return each["value"].get<std::string>() + " from " + each["origin"].get<std::string>();
      }
    }
    return "not there";
  }

  Variable read_ = {"SD_NO_SETTINGS", ""};
  Variable config_ = {"XDG_CONFIG_HOME", (out_ / "config").string()};
};

TEST_F(SettingSources, WinInTheirOrder) {
  EXPECT_EQ(shown("steps"), "50 from default");
  std::filesystem::create_directories(out_ / "config/stable-diffusion");
  const std::string user = (out_ / "config/stable-diffusion/settings.toml").string();
  out_.write("config/stable-diffusion/settings.toml",
             "steps = 11\nscale = 2\n[preset.mine]\nsteps = 15\n");
  EXPECT_EQ(shown("steps"), "11 from " + user);
  out_.write("sd.toml", "steps = 12\n");
  EXPECT_EQ(shown("steps"), "12 from ./sd.toml");
  EXPECT_EQ(shown("scale"), "2 from " + user);
  const Variable variable("SD_SET_STEPS", "13");
  EXPECT_EQ(shown("steps"), "13 from environment");
  out_.write("more.toml", "steps = 14\n");
  EXPECT_EQ(shown("steps", {"--settings", "more.toml"}), "14 from more.toml");
  EXPECT_EQ(shown("steps", {"--settings", "more.toml", "--preset", "mine"}), "15 from preset mine");
  EXPECT_EQ(shown("steps", {"--preset", "exact"}), "50 from preset exact");
  EXPECT_EQ(shown("steps", {"--no-settings"}), "50 from default");
  const Variable none("SD_NO_SETTINGS", "1");
  EXPECT_EQ(shown("steps"), "50 from default");
}

TEST_F(SettingSources, AreBelowTheCommandLineAndItsPromptLines) {
  out_.write("sd.toml", "steps = 3\nsampler = \"euler\"\nscale = 4\n");
  const auto drawn = [&](const Words& more, const std::string& input = "") {
    const Finished done = run_here(more, input);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    const Finished record = run_here({"show", "--json", lines_of(done.out).front()});
    return json::parse(record.out)["texts"]["stable-diffusion"];
  };
  const Words common = {"txt2img",  "--ckpt",     "model/model.safetensors",
                        "--outdir", "out",        "--n_samples",
                        "1",        "--n_iter",   "1",
                        "--H",      "64",         "--W",
                        "64",       "--skip_grid"};
  json record = drawn(common);
  EXPECT_EQ(record["steps"], 3);
  EXPECT_EQ(record["sampler"], "euler");
  Words typed = common;
  typed.insert(typed.end(), {"--plms", "--ddim_steps", "2"});
  record = drawn(typed);
  EXPECT_EQ(record["steps"], 2);
  EXPECT_EQ(record["sampler"], "plms");
  EXPECT_EQ(record["scale"], 4);
  typed.insert(typed.end(), {"--from-file", "-"});
  EXPECT_EQ(drawn(typed, "a cat --scale 6\n")["scale"], 6);
}

TEST_F(SettingSources, OfTheWorkingFolderAreToldAndNoTrap) {
  out_.write("sd.toml", "steps = 3\n");
  const Finished told = run_here({"settings"});
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_EQ(told.err, "./sd.toml is read: it sets --ddim_steps\n");
  for (const char* trap : {"outdir = \"/\"", "safety = \"off\"", "ckpt = \"evil.ckpt\""}) {
    out_.write("sd.toml", trap);
    expect_failure(run_here({"txt2img"}), 2, "which a file of the working folder may not set");
  }
  const Finished replay = draw_here("txt2img", {"--no-settings"});
  ASSERT_EQ(replay.exit_code, 0) << replay.err;
  EXPECT_EQ(run_here({"replay", "out/samples/00000.png"}).exit_code, 0);
}

TEST_F(SettingSources, AreRefusedWhereTheyAreWrong) {
  expect_failure(run_here({"txt2img", "--settings", "absent.toml"}), 3, "absent.toml");
  expect_failure(run_here({"txt2img", "--preset", "exakt"}), 2, "there is no preset 'exakt'");
  const Variable variable("SD_SET_STPES", "13");
  expect_failure(run_here({"txt2img"}), 2, "SD_SET_STPES");
}

}  // namespace
}  // namespace sd::test
