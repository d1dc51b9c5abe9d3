// What a person sees in a terminal: the program runs in tmux, and the tests look at its screen.

#include <algorithm>

#include "base/wrap.h"
#include "cli/small_model.h"
#include "cli/tmux.h"

namespace sd::test {
namespace {

class LiveTerminal : public SmallModel {
 protected:
  void SetUp() override {
    SmallModel::SetUp();
    if (!Tmux::is_installed()) GTEST_SKIP() << "tmux is not installed";
  }

  /// The command that draws two pictures of the small model, and says so at its end.
  std::string drawing(const std::string& environment, const std::string& more) const {
    return "stty -echo; trap : INT; cd " + in_quotes(out_.path().string()) +
           " && env SD_NO_SETTINGS=1 " + environment + " " + SD_PROGRAM +
           " txt2img --ckpt model/model.safetensors --outdir out --H 64 --W 64 --n_samples 1 "
           "--n_iter 2 --skip_grid --safety off --threads 1 " +
           more + "; echo ENDED; sleep 60";
  }
};

/// Lines that are full of block characters, but the bar.
int64_t lines_of_symbols(const std::string& screen) {
  const Words lines = lines_of(screen);
  return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return text_columns(line) * 3 / 2 < static_cast<int>(line.size()) &&
           !line.starts_with("sample ");
  });
}

TEST_F(LiveTerminal, ABarNeverBreaksLines) {
  for (const int columns : {40, 100}) {
    // So long that it is still drawing when the test comes to look, and is stopped then.
    const Tmux tmux(drawing("", "--ddim_steps 500 --H 256 --W 256"), columns);
    const std::string shown = tmux.screen_with(columns == 100 ? "until" : "picture 1 of 2");
    ASSERT_NE(shown.find("picture 1 of 2"), std::string::npos) << shown;
    EXPECT_EQ(count_lines(shown, "sample "), 1) << shown;
    EXPECT_EQ(shown.find("until") != std::string::npos, columns == 100) << shown;
    tmux.press("C-c");
    const std::string ended = tmux.screen_with("ENDED");
    EXPECT_EQ(count_lines(ended, "sample "), 0) << ended;
  }
}

TEST_F(LiveTerminal, ABarGivesWayToPaths) {
  const Tmux tmux(drawing("", "--ddim_steps 20"), 100);
  const std::string ended = tmux.screen_with("ENDED");
  EXPECT_EQ(count_lines(ended, "sample "), 0) << ended;
  EXPECT_EQ(count_lines(ended, "out/samples/0000"), 2) << ended;
}

TEST_F(LiveTerminal, ADumbOneGetsPlainLines) {
  const Tmux tmux(drawing("TERM=dumb", "--ddim_steps 4"), 80);
  const std::string ended = tmux.screen_with("ENDED");
  EXPECT_NE(ended.find("sample 4/4"), std::string::npos) << ended;
  EXPECT_EQ(ended.find("█"), std::string::npos) << ended;
}

TEST_F(LiveTerminal, RingsAtTheEndWhereItIsAskedTo) {
  for (const char* flags : {"--ddim_steps 2 --bell", "--ddim_steps 2"}) {
    const Tmux tmux(drawing("", flags), 80);
    tmux.screen_with("ENDED");
    EXPECT_EQ(tmux.has_rung(), std::string(flags).ends_with("--bell")) << flags;
  }
}

TEST_F(LiveTerminal, WritesNoColoursWhereNobodyWantsThem) {
  const auto coloured = [&](const std::string& environment) {
    const Tmux tmux("env " + environment + " " + SD_PROGRAM +
                        " txt2img --H 65 --no-settings; echo ENDED; sleep 60",
                    80);
    tmux.screen_with("ENDED");
    return tmux.colours().find("\033[1m\033[31merror:") != std::string::npos;
  };
  EXPECT_TRUE(coloured("A=B"));
  EXPECT_FALSE(coloured("NO_COLOR=1"));
  EXPECT_FALSE(coloured("TERM=dumb"));
}

TEST_F(LiveTerminal, ShowsPicturesInSymbols) {
  const Tmux tmux(drawing("", "--ddim_steps 2 --show"), 60);
  const std::string ended = tmux.screen_with("ENDED");
  EXPECT_GE(lines_of_symbols(ended), 10) << ended;
}

TEST_F(LiveTerminal, ShowsTheGrowingPictureInOnePlace) {
  const Tmux tmux(drawing("", "--ddim_steps 500 --H 256 --W 256 --show --preview 1"), 60);
  const std::string first = tmux.screen_when([](const std::string& shown) {
    return lines_of_symbols(shown) > 10 && shown.find("picture 1 of 2") != std::string::npos;
  });
  EXPECT_GT(lines_of_symbols(first), 10) << first;
  EXPECT_EQ(count_lines(first, "sample "), 1) << first;
  for (int i = 0; i < 5; ++i) {  // further ones, as far as they come
    const std::string shown = tmux.screen_with("picture 1 of 2");
    EXPECT_LE(lines_of_symbols(shown), 22) << shown;
  }
  tmux.press("C-c");
  const std::string ended = tmux.screen_with("ENDED");
  EXPECT_EQ(lines_of_symbols(ended), 0) << ended;
}

TEST_F(LiveTerminal, ColoursErrorsUnlessItIsAskedNotTo) {
  const auto errors = [&](const std::string& environment) {
    return output_of("env " + environment + " " + SD_PROGRAM + " txt2img --H 65");
  };
  EXPECT_NE(errors("CLICOLOR_FORCE=1").find("\033[1;31merror:\033[0m "), std::string::npos);
  for (const char* plain : {"A=B", "CLICOLOR_FORCE=0", "CLICOLOR_FORCE=1 NO_COLOR=1"}) {
    EXPECT_EQ(errors(plain).find('\033'), std::string::npos) << plain;
  }
}

TEST_F(LiveTerminal, PipesGetNoPictureAndNoBell) {
  const Finished done = draw({"--show", "--bell"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ((done.out + done.err).find_first_of("\033\a"), std::string::npos);
  const Finished growing = draw({"--show", "--preview", "1"});
  EXPECT_EQ(growing.exit_code, 0) << growing.err;
  EXPECT_EQ((growing.out + growing.err).find('\033'), std::string::npos);
}

}  // namespace
}  // namespace sd::test
