// The flags of txt2img, seeds, and which files a run takes for its model.

#include "cli/flags.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/flag_names.h"
#include "cli/help_page.h"
#include "cli/progress_bar.h"
#include "job/model_choice.h"
#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

namespace fs = std::filesystem;

Settings parse(std::vector<std::string> flags) {
  CLI::App app;
  Settings options(Script::kTxt2Img);
  add_run_flags(&app, &options);
  std::reverse(flags.begin(), flags.end());  // as CLI11 takes them
  app.parse(flags);
  return options;
}

TEST(Flags, HaveTheReferencesDefaults) {
  const Settings options = parse({});
  EXPECT_EQ(options.picture.prompt, "a painting of a virus monster playing guitar");
  EXPECT_STREQ(default_outdir(options), "outputs/txt2img-samples");
  EXPECT_FALSE(options.outdir.has_value());
  EXPECT_FALSE(options.skip_grid);
  EXPECT_FALSE(options.skip_save);
  EXPECT_EQ(options.batch.steps, 50);
  EXPECT_FALSE(options.plms);
  EXPECT_FALSE(options.dpm_solver);
  EXPECT_FALSE(options.laion400m);
  EXPECT_FALSE(options.fixed_code);
  EXPECT_EQ(options.batch.knobs.eta, std::nullopt);
  EXPECT_EQ(options.n_iter, 2);
  EXPECT_EQ(options.H.value_or(512), 512);
  EXPECT_EQ(options.W.value_or(512), 512);
  EXPECT_EQ(options.C, 4);
  EXPECT_EQ(options.f, 8);
  EXPECT_EQ(options.n_samples, 3);
  EXPECT_EQ(options.n_rows, 0);
  EXPECT_EQ(options.picture.scale, 7.5);
  EXPECT_EQ(options.from_file, "");
  EXPECT_EQ(options.seed, 42U);
  EXPECT_EQ(options.device.precision, Precision::kAutocast);
  EXPECT_EQ(options.rng, RngKind::kCuda);
  EXPECT_EQ(options.weights, WeightChoice::kConfig);
  EXPECT_EQ(options.device.device, "auto");
  EXPECT_FALSE(options.no_watermark);
}

TEST(Flags, AreSpeltAsTheReferenceSpellsThem) {
  const Settings options = parse({"--prompt",     "a cat",
                                  "--outdir",     "out",
                                  "--skip_grid",  "--skip_save",
                                  "--ddim_steps", "20",
                                  "--plms",       "--dpm_solver",
                                  "--laion400m",  "--fixed_code",
                                  "--ddim_eta",   "0.5",
                                  "--n_iter",     "4",
                                  "--H",          "256",
                                  "--W",          "320",
                                  "--C",          "5",
                                  "--f",          "4",
                                  "--n_samples",  "6",
                                  "--n_rows",     "2",
                                  "--scale",      "3",
                                  "--from-file",  "list.txt",
                                  "--config",     "c.yaml",
                                  "--ckpt",       "m.ckpt",
                                  "--seed",       "7",
                                  "--precision",  "full"});
  EXPECT_EQ(options.picture.prompt, "a cat");
  EXPECT_EQ(options.outdir, "out");
  EXPECT_TRUE(options.skip_grid && options.skip_save && options.plms && options.dpm_solver);
  EXPECT_TRUE(options.laion400m && options.fixed_code);
  EXPECT_EQ(options.batch.steps, 20);
  EXPECT_EQ(options.batch.knobs.eta, 0.5);
  EXPECT_EQ(options.n_iter, 4);
  EXPECT_EQ(options.H, 256);
  EXPECT_EQ(options.W, 320);
  EXPECT_EQ(options.C, 5);
  EXPECT_EQ(options.f, 4);
  EXPECT_EQ(options.n_samples, 6);
  EXPECT_EQ(options.n_rows, 2);
  EXPECT_EQ(options.picture.scale, 3);
  EXPECT_EQ(options.from_file, "list.txt");
  EXPECT_EQ(options.config, "c.yaml");
  EXPECT_EQ(options.ckpt, "m.ckpt");
  EXPECT_EQ(options.seed, 7U);
  EXPECT_EQ(options.device.precision, Precision::kFull);
}

TEST(Flags, TakeDashesForUnderscoresAndTheOtherWayRound) {
  const Settings options = parse({"--n-samples", "5", "--skip-grid", "--ddim-steps", "9",
                                  "--from_file", "x", "--no_watermark"});
  EXPECT_EQ(options.n_samples, 5);
  EXPECT_TRUE(options.skip_grid);
  EXPECT_EQ(options.batch.steps, 9);
  EXPECT_EQ(options.from_file, "x");
  EXPECT_TRUE(options.no_watermark);
}

TEST(Flags, CountTheLastTime) {
  const Settings options =
      parse({"--H", "64", "--seed", "1", "--plms", "--rng", "cpu", "--H=128", "--seed", "2",
             "--plms", "--rng", "cuda", "--n_samples", "4", "--n-samples", "5"});
  EXPECT_EQ(options.H, 128);
  EXPECT_EQ(options.seed, 2U);
  EXPECT_TRUE(options.plms);
  EXPECT_EQ(options.rng, RngKind::kCuda);
  EXPECT_EQ(options.n_samples, 5);
}

TEST(Flags, TakeNegativeNumbersAndEmptyTexts) {
  const Settings options =
      parse({"--scale", "-3.5", "--seed", "-1", "--prompt", "", "--ddim_eta", "-0.5"});
  EXPECT_EQ(options.picture.scale, -3.5);
  EXPECT_EQ(options.seed, UINT64_MAX);
  EXPECT_EQ(options.picture.prompt, "");
  EXPECT_EQ(options.batch.knobs.eta, -0.5);
}

TEST(Flags, RefuseWhatTheyDoNotKnow) {
  const std::vector<std::vector<std::string>> refused = {{"--n_sample", "3"},
                                                         {"--rng", "gpu"},
                                                         {"--precision", "half"},
                                                         {"--kernels", "fast"},
                                                         {"--weights", "x"},
                                                         {"--H", "big"},
                                                         {"--H", "1.5"},
                                                         {"--scale", "x"},

                                                         {"--H"},
                                                         {"stray"}};
  for (const auto& flags : refused) EXPECT_THROW(parse(flags), CLI::ParseError) << flags[0];
}

TEST(Flags, AHelpPageNamesEveryGroup) {
  CLI::App app;
  app.formatter(help_formatter());
  Settings options(Script::kTxt2Img);
  add_run_flags(&app, &options);
  const std::string help = app.help("", CLI::AppFormatMode::All);
  for (const char* part : {"What to draw", "Sampling", "Model", "Output", "Device", "--n_samples",
                           "full|autocast", "(50)", "(42)"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(help.find("--n-samples"), std::string::npos);  // one spelling is enough
}

TEST(SeedFlag, TakesEverySixtyFourBitNumber) {
  const auto seed = [](const char* text) { return parse({"--seed", text}).seed; };
  EXPECT_EQ(seed("0"), 0U);
  EXPECT_EQ(seed("42"), 42U);
  EXPECT_EQ(seed("+42"), 42U);
  EXPECT_EQ(seed("4294967295"), 4294967295U);
  EXPECT_EQ(seed("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(seed("-1"), UINT64_MAX);
  EXPECT_EQ(seed("-9223372036854775808"), uint64_t{1} << 63);
}

TEST(SeedFlag, RefusesTheRest) {
  for (const char* text : {"", " ", "4 2", "4.0", "1e3", "x", "0x10", "-", "+", "+-1", "--1",
                           "18446744073709551616", "-9223372036854775809"}) {
    EXPECT_THROW(parse({std::string("--seed=") + text}), CLI::ParseError) << text;
  }
}

TEST(Messages, NameFlagsForSettings) {
  EXPECT_EQ(with_flags("`steps` must be 1, and `no_such` 2"),
            "--ddim_steps must be 1, and --no-such 2");
  EXPECT_EQ(with_flags("`keep_going`"), "--keep-going");
  EXPECT_EQ(with_flags("a ` b `c d` `"), "a ` b `c d` `");
  EXPECT_EQ(with_flags("``steps``"), "`--ddim_steps`");
  EXPECT_EQ(with_flags(""), "");
}

TEST(ClockTime, ReadsAsAClock) {
  EXPECT_EQ(clock_time(0), "0:00");
  EXPECT_EQ(clock_time(6.6), "0:07");
  EXPECT_EQ(clock_time(59.6), "1:00");
  EXPECT_EQ(clock_time(750), "12:30");
  EXPECT_EQ(clock_time(3723), "1:02:03");
  EXPECT_EQ(clock_time(360000), "100:00:00");
}

class ModelChoice : public ::testing::Test {
 protected:
  ModelChoice() { options.ckpt = folder.write("model.ckpt", "not read here").string(); }
  TempFolder folder;
  Settings options{Script::kTxt2Img};
};

TEST_F(ModelChoice, TakesTheFilesThatAreNamed) {
  options.config = write_config(folder, tiny_config(), "other.yaml").string();
  const ChosenModel chosen = choose_model(options);
  EXPECT_EQ(chosen.paths.checkpoint, options.ckpt);
  EXPECT_EQ(chosen.paths.config, options.config);
  EXPECT_FALSE(chosen.built_in);
  EXPECT_EQ(chosen.description.native_size, 64);
}

TEST_F(ModelChoice, TakesTheConfigBesideTheCheckpointElseTheModelsOwn) {
  EXPECT_EQ(fs::path(choose_model(options).paths.config).filename(), "v1-inference.yaml");
  EXPECT_EQ(choose_model(options).description.native_size, 512);
  options.laion400m = true;
  EXPECT_EQ(fs::path(choose_model(options).paths.config).filename(), "txt2img-1p4B-eval.yaml");
  const fs::path beside = write_config(folder, tiny_config());
  const ChosenModel chosen = choose_model(options);
  EXPECT_EQ(chosen.paths.config, beside.string());
  EXPECT_NE(chosen.note.find("beside the checkpoint"), std::string::npos) << chosen.note;
}

TEST_F(ModelChoice, FindsTheProgramsConfigsByName) {
  options.config = "configs/latent-diffusion/txt2img-1p4B-eval.yaml";
  EXPECT_EQ(choose_model(options).description.family, "laion400m");
}

TEST_F(ModelChoice, NamesTheFileThatIsAbsent) {
  options.config = "no/such.yaml";
  expect_error(ErrorKind::kFile, "no/such.yaml", [&] { choose_model(options); });
  options.ckpt = "no/such.ckpt";
  expect_error(ErrorKind::kFile, "no/such.ckpt", [&] { choose_model(options); });
}

}  // namespace
}  // namespace sd::test
