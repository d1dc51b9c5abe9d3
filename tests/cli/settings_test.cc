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

TEST_F(SettingSources, AreShownWithAllOfThemThere) {
  std::filesystem::create_directories(out_ / "config/stable-diffusion");
  out_.write("config/stable-diffusion/settings.toml", "n_iter = 1\nsteps = 11\nscale = 2\n");
  out_.write("sd.toml", "n_samples = 2\nsteps = 12\n[preset.mine]\nseed = 9\n");
  const Variable variable("SD_SET_SCALE", "3");
  const Words preset = {"--preset", "mine"};
  EXPECT_EQ(shown("n_iter", preset),
            "1 from " + (out_ / "config/stable-diffusion/settings.toml").string());
  EXPECT_EQ(shown("n_samples", preset), "2 from ./sd.toml");
  EXPECT_EQ(shown("steps", preset), "12 from ./sd.toml");
  EXPECT_EQ(shown("scale", preset), "3 from environment");
  EXPECT_EQ(shown("seed", preset), "9 from preset mine");
  EXPECT_EQ(shown("rng", preset), "cuda from default");
}

/// A preset that was trusted stays what it was, whatever a folder's file calls by its name.
TEST_F(SettingSources, OfTheWorkingFolderDoNotReplaceAPreset) {
  std::filesystem::create_directories(out_ / "config/stable-diffusion");
  out_.write("config/stable-diffusion/settings.toml", "[preset.mine]\nsafety = \"black\"\n");
  out_.write("sd.toml", "[preset.mine]\nsteps = 3\n[preset.its]\nsteps = 4\n");
  EXPECT_EQ(shown("safety", {"--preset", "mine"}), "black from preset mine");
  EXPECT_EQ(shown("steps", {"--preset", "its"}), "4 from preset its");
  EXPECT_EQ(run_here({"settings"}).err,
            "./sd.toml is read: it sets nothing and has the presets mine, its\n");
}

TEST_F(SettingSources, AreLookedForInAbsoluteFoldersOnly) {
  std::filesystem::create_directories(out_ / "home/.config/stable-diffusion");
  std::filesystem::create_directories(out_ / "stable-diffusion");
  const auto file = out_.write("home/.config/stable-diffusion/settings.toml", "steps = 3\n");
  out_.write("stable-diffusion/settings.toml", "steps = 4\n");
  const Variable config("XDG_CONFIG_HOME", ".");
  {
    const Variable home("HOME", (out_ / "home").string());
    EXPECT_EQ(shown("steps"), "3 from " + file.string());
  }
  for (const char* odd : {"", "home"}) {
    const Variable home("HOME", odd);
    EXPECT_EQ(shown("steps"), "50 from default");
  }
}

TEST_F(SettingSources, ThatAreNoShortTextAreRefused) {
  const auto path = out_ / "sd.toml";
  out_.write("sd.toml", std::string(10'000'000, '#'));
  expect_failure(run_here({"txt2img"}), 3, "larger than 1 MiB");
  for (const char* target : {"/dev/zero", "/dev/tty", "/proc"}) {
    std::filesystem::remove(path);
    std::filesystem::create_symlink(target, path);
    expect_failure(run_here({"txt2img"}), 3, "is not a regular file");
  }
}

TEST_F(SettingSources, InVariablesAreCheckedAsFlagsAre) {
  const auto refused = [&](const char* name, const char* value, const std::string& part) {
    const Variable variable(name, value);
    expect_failure(run_here({"txt2img"}), 2, part);
  };
  refused("SD_SET_", "1", "there is no setting for SD_SET_");
  refused("SD_SET_PRESET", "fast", "there is no setting for SD_SET_PRESET");
  refused("SD_SET_OWN_SEED", "1", "there is no setting for SD_SET_OWN_SEED");
  refused("SD_SET_STEPS", "", "environment: --ddim_steps: expected a whole number");
  refused("SD_SET_STEPS", "2.5", "environment: --ddim_steps: expected a whole number");
  refused("SD_SET_SKIP_GRID", "perhaps", "environment: --skip_grid: expected");
  refused("SD_SET_RNG", "dice", "environment: --rng: expected");
  const Variable one("SD_SET_DDIM_STEPS", "3");
  refused("SD_SET_STEPS", "4", "set the same");
  EXPECT_EQ(shown("steps"), "3 from environment");
}

/// What settings files chose when a job began stays with it, whatever they say later.
TEST_F(SettingSources, OfAJobThatExistsAreThoseOfItsBeginning) {
  const Words draws = {"txt2img",     "--ckpt",      "model/model.safetensors",
                       "--from-file", "lines.txt",   "--job",
                       "job",         "--n_samples", "1",
                       "--H",         "64",          "--W",
                       "64",          "--threads",   "1"};
  out_.write("lines.txt", "a cat\n");
  out_.write("sd.toml", "steps = 2\nn_iter = 1\nsampler = \"euler\"\n");
  const Finished first = run_here(draws);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  std::filesystem::remove(out_ / "job/samples/000000.png");
  out_.write("sd.toml", "steps = 3\nscale = 4\n");
  Finished again = run_here(draws);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, first.out);
  std::filesystem::remove(out_ / "sd.toml");
  EXPECT_EQ(run_here(draws).exit_code, 0);
  Words other = draws;
  other.insert(other.end(), {"--steps", "5"});
  again = run_here(other);
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("steps: 2 in the job, 5 here"), std::string::npos) << again.err;
}

TEST_F(SettingSources, AreRefusedWhereTheyAreWrong) {
  expect_failure(run_here({"txt2img", "--settings", "absent.toml"}), 3, "absent.toml");
  expect_failure(run_here({"txt2img", "--preset", "exakt"}), 2, "there is no preset 'exakt'");
  const Variable variable("SD_SET_STPES", "13");
  expect_failure(run_here({"txt2img"}), 2, "SD_SET_STPES");
}

}  // namespace
}  // namespace sd::test
