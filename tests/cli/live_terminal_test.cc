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
    return "cd " + in_quotes(out_.path().string()) + " && env SD_NO_SETTINGS=1 " + environment +
           " " + SD_PROGRAM +
           " txt2img --ckpt model/model.safetensors --outdir out --H 64 --W 64 --n_samples 1 "
           "--n_iter 2 --skip_grid --safety off --threads 1 " +
           more + "; echo ENDED; sleep 60";
  }
};

TEST_F(LiveTerminal, ABarNeverBreaksLines) {
  for (const int columns : {40, 100}) {
    const Tmux tmux(drawing("", "--ddim_steps 300"), columns);
    const std::string shown = tmux.screen_with(columns == 100 ? "until" : "picture 1 of 2");
    ASSERT_NE(shown.find("picture 1 of 2"), std::string::npos) << shown;
    EXPECT_EQ(count_lines(shown, "sample "), 1) << shown;
    EXPECT_EQ(shown.find("until") != std::string::npos, columns == 100) << shown;
    const std::string ended = tmux.screen_with("ENDED", 60);
    EXPECT_EQ(count_lines(ended, "sample "), 0) << ended;
    EXPECT_EQ(count_lines(ended, "out/samples/0000"), 2) << ended;
  }
}

TEST_F(LiveTerminal, ADumbOneGetsPlainLines) {
  const Tmux tmux(drawing("TERM=dumb", "--ddim_steps 4"), 80);
  const std::string ended = tmux.screen_with("ENDED", 60);
  EXPECT_NE(ended.find("sample 4/4"), std::string::npos) << ended;
  EXPECT_EQ(ended.find("█"), std::string::npos) << ended;
}

TEST_F(LiveTerminal, ShowsPicturesInSymbols) {
  const Tmux tmux(drawing("", "--ddim_steps 2 --show"), 60);
  const std::string ended = tmux.screen_with("ENDED", 60);
  const Words lines = lines_of(ended);
  const auto symbols = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return text_columns(line) * 3 / 2 < static_cast<int>(line.size());  // block characters
  });
  EXPECT_GE(symbols, 10) << ended;
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
}

}  // namespace
}  // namespace sd::test
