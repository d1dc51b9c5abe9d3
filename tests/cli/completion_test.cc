// Completion in real shells, typed into a terminal, and manual pages in a real man.

#include "cli/small_model.h"
#include "cli/tmux.h"

namespace sd::test {

namespace {

/// A shell that has the completion, in a folder with a few files. Where `sd` runs, it prints
/// "GOT:" and its words.
struct Shell {
  const char* name;
  const char* start;   ///< the command
  const char* set_up;  ///< typed first; FILE is the script
  const char* tell;    ///< makes `sd` tell its words
};

constexpr Shell kShells[] = {
    {"bash", "bash --norc --noprofile -i", "source FILE", "sd() { echo GOT:$*; }"},
    {"zsh", "zsh -f -i", "autoload -U compinit; compinit -D -u; source FILE",
     "sd() { echo GOT:$* }"},
    {"fish", "fish --no-config -i", "source FILE", "function sd; echo \"GOT:$argv\"; end"}};

class Completion : public ::testing::TestWithParam<Shell> {
 protected:
  /// Tab behind `typed` must make it `whole`, which `sd` is then given.
  void expect_completed(const std::string& typed, const std::string& whole) {
    EXPECT_EQ(completed(typed, whole), whole);
  }

  /// What `sd` was given once Tab was pressed behind `typed`, and `whole` was there to be seen.
  std::string completed(const std::string& typed, const std::string& whole) {
    const Tmux& tmux = terminal();
    const auto given = [](const std::string& screen) { return count_lines(screen, "GOT:"); };
    const int before = given(tmux.screen());
    tmux.press(in_quotes(typed) + " Tab");
    tmux.screen_with("sd " + whole);
    tmux.press("Enter");
    const std::string screen =
        tmux.screen_when([&](const std::string& shown) { return given(shown) > before; });
    const size_t begin = screen.rfind("\nGOT:");
    if (begin == std::string::npos) return "no GOT in: " + screen;
    const std::string line = screen.substr(begin + 5, screen.find('\n', begin + 5) - begin - 5);
    return line.substr(0, line.find_last_not_of(" /") + 1);  // zsh takes a folder's slash back
  }

  /// One in which the shell runs, and has the completion.
  const Tmux& terminal() {
    if (tmux_) return *tmux_;
    const Shell& shell = GetParam();
    std::string set_up = shell.set_up;
    set_up.replace(set_up.find("FILE"), 4, "../script");
    const std::string home = in_quotes(folder_.path().string());
    tmux_ = std::make_unique<Tmux>("cd " + in_quotes((folder_ / "files").string()) +
                                       " && env -u XDG_CONFIG_HOME HOME=" + home + " PS1='$ ' " +
                                       shell.start,
                                   200, 60);
    tmux_->press(in_quotes(set_up) + " Enter");
    tmux_->press(in_quotes(shell.tell) + " Enter");
    tmux_->press(in_quotes("echo REA''DY") + " Enter");
    tmux_->screen_with("\nREADY");
    return *tmux_;
  }

  void SetUp() override {
    if (!Tmux::is_installed() || !has_command(GetParam().name)) {
      GTEST_SKIP() << "tmux or " << GetParam().name << " is not installed";
    }
    folder_.write("script", run({"completion", GetParam().name}).out);
    for (const char* name : {"model.safetensors", "model.txt", "prompts.txt", "sketch.png",
                             "plums/job.json", "plums.txt"}) {
      folder_.write(std::string("files/") + name, "");
    }
    folder_.write(".config/stable-diffusion/settings.toml", "[preset.mine]\nsteps = 3\n");
    folder_.write("files/sd.toml", "steps = 3\n[ preset.yours ] # once\nsteps = 3\n");
    folder_.write("files/more.toml", "[preset.ours]\n");
  }

  TempFolder folder_;
  std::unique_ptr<Tmux> tmux_;
};

TEST_P(Completion, CompletesCommandsFlagsValuesAndFiles) {
  expect_completed("sd txt", "txt2img");
  expect_completed("sd txt2img --negative", "txt2img --negative-prompt");
  expect_completed("sd txt2img --sampler dpm_ad", "txt2img --sampler dpm_adaptive");
  expect_completed("sd img2img --n-samples 2 --seed-mode im",
                   "img2img --n-samples 2 --seed-mode image");
  expect_completed("sd txt2img --ckpt mod", "txt2img --ckpt model.safetensors");
  expect_completed("sd show sk", "show sketch.png");
  expect_completed("sd completion fi", "completion fish");
}

TEST_P(Completion, KnowsJobs) {
  expect_completed("sd job st", "job status");
  expect_completed("sd job verify pl", "job verify plums");
  expect_completed("sd job merge --par", "job merge --partial");
  expect_completed("sd job gallery --ou", "job gallery --out");
  expect_completed("sd job status plums --par", "job status plums --par");  // merge's alone
  expect_completed("sd txt2img --job pl", "txt2img --job plums");
}

TEST_P(Completion, KnowsSettingsPresetsAndPages) {
  expect_completed("sd settings --settings mo", "settings --settings more.toml");
  expect_completed("sd txt2img --settings mo", "txt2img --settings more.toml");
  expect_completed("sd settings --of im", "settings --of img2img");
  expect_completed("sd txt2img --preset tu", "txt2img --preset turbo");
  expect_completed("sd txt2img --preset mi", "txt2img --preset mine");
  expect_completed("sd settings --preset yo", "settings --preset yours");
  expect_completed("sd txt2img --settings more.toml --preset ou",
                   "txt2img --settings more.toml --preset ours");
  expect_completed("sd txt2img --schedule align", "txt2img --schedule align_your_steps");
  expect_completed("sd txt2img --hires-sampler dpm_ad", "txt2img --hires-sampler dpm_adaptive");
  expect_completed("sd man txt", "man txt2img");
  expect_completed("sd convert mod", "convert model.safetensors");
  expect_completed("sd convert model.safetensors pro", "convert model.safetensors prompts.txt");
}

INSTANTIATE_TEST_SUITE_P(In, Completion, ::testing::ValuesIn(kShells),
                         [](const auto& shell) { return std::string(shell.param.name); });

TEST(ManPages, AreWrittenForEachCommandAndHaveNoWarnings) {
  if (!has_command("man")) GTEST_SKIP() << "man is not installed";
  const TempFolder folder;
  const Finished written = run({"man", "--outdir", (folder / "man1").string()});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  const Words pages = lines_of(written.out);
  ASSERT_GT(pages.size(), 10U);
  for (const std::string& page : pages) {
    const std::string man = "LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l " + page;
    EXPECT_EQ(output_of(man + " 2>&1 >/dev/null"), "") << page;
    EXPECT_NE(output_of(man).find("SYNOPSIS"), std::string::npos) << page;
  }
}

TEST(ManPages, ThatAreUnknownAreRefused) {
  expect_failure(run({"man", "bananas"}), 2, "no manual page bananas");
  EXPECT_EQ(run({"man", "txt2img"}).out, run({"man", "sd-txt2img"}).out);
  expect_failure(run({"completion", "tcsh"}), 2, "tcsh");
}

}  // namespace
}  // namespace sd::test
