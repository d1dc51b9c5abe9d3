// Runs that share an output folder, and what dead ones left in it.

#include "cli/small_model.h"

namespace sd::test {
using namespace image;

namespace {

class SharedFolder : public SmallModel {
 protected:
  /// Hidden files below the output folder.
  Words hidden() const {
    Words names;
    for (const std::string& name : files()) {
      if (std::filesystem::path(name).filename().string()[0] == '.') names.push_back(name);
    }
    return names;
  }
};

TEST_F(SharedFolder, GetsThePicturesOfAllRuns) {
  const Words words = arguments({"--n_iter", "3", "--ddim_steps", "1"});
  Program first(words), second(words);
  EXPECT_EQ(first.wait(), 0) << first.err();
  EXPECT_EQ(second.wait(), 0) << second.err();
  EXPECT_EQ(files().size(), 14U);  // 12 pictures and two grids
  EXPECT_EQ(lines_of(first.out()).size() + lines_of(second.out()).size(), 14U);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(sample(i).width, 64) << i;
}

TEST_F(SharedFolder, LosesWhatDeadRunsLeft) {
  for (int i = 1; i < 9; ++i) {
    out_.write("out/samples/.sd-1-" + std::to_string(i) + ".tmp", "half a picture");
    out_.write("out/.sd-1-" + std::to_string(i) + ".tmp", "half a grid");
  }
  const Finished done = draw();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(hidden(), Words());
  EXPECT_EQ(files().size(), 3U);
}

TEST_F(SharedFolder, HasNothingOfARunThatIsKilled) {
  for (int delay = 0; delay < 100; delay += 10) {
    Program program(arguments({"--n_iter", "100000", "--ddim_steps", "1", "--skip_grid"}));
    ASSERT_TRUE(program.wait_for_line()) << program.err();
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    program.send(SIGKILL);
    program.wait();
  }
  ASSERT_EQ(draw().exit_code, 0);
  EXPECT_EQ(hidden(), Words());
  for (const std::string& name : files()) {
    EXPECT_GT(read_image(out_ / ("out/" + name)).width, 0) << name;
  }
}

}  // namespace
}  // namespace sd::test
