// How a run ends that somebody stops, by any of the ways there are: what is drawn is kept.

#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>

#include "cli/small_model.h"

namespace sd::test {
using namespace image;

namespace {

class Stop : public SmallModel {
 protected:
  Words endless() const {
    return arguments({"--n_iter", "100000", "--n_samples", "1", "--ddim_steps", "1"});
  }
  /// What a stopped run leaves: whole pictures, and a grid.
  void expect_kept() const {
    const Words names = files();
    ASSERT_GE(names.size(), 2U);
    EXPECT_EQ(names.front(), "grid-0000.png");
    for (const std::string& name : names) {
      EXPECT_GT(read_image(out_ / ("out/" + name)).width, 0) << name;
    }
  }
};

TEST_F(Stop, IsAskedForByAnySignalThatPeopleSend) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    SCOPED_TRACE(strsignal(signal));
    std::filesystem::remove_all(out_ / "out");
    Program program(endless());
    ASSERT_TRUE(program.wait_for_line()) << program.err();
    program.send(signal);
    EXPECT_EQ(program.wait(), 130) << program.err();
    EXPECT_EQ(count_lines(program.err(), "error: stopped; "), 1) << program.err();
    expect_kept();
  }
}

TEST_F(Stop, ATerminalThatClosesMaySayItTwice) {
  Program program(endless());
  ASSERT_TRUE(program.wait_for_line()) << program.err();
  for (int i = 0; i < 3; ++i) program.send(SIGHUP);
  EXPECT_EQ(program.wait(), 130) << program.err();
  expect_kept();
}

TEST_F(Stop, IsNotAskedForByWhatTheParentIgnores) {
  for (const int signal : {SIGINT, SIGHUP, SIGTERM}) {
    SCOPED_TRACE(strsignal(signal));
    std::filesystem::remove_all(out_ / "out");
    const auto before = std::signal(signal, SIG_IGN);
    Program program(arguments({"--n_iter", "40", "--n_samples", "1"}));
    std::signal(signal, before);
    ASSERT_TRUE(program.wait_for_line()) << program.err();
    program.send(signal);
    EXPECT_EQ(program.wait(), 0) << program.err();
    EXPECT_EQ(files().size(), 41U);
  }
}

TEST_F(Stop, IsAskedForByAReaderThatGoesAway) {
  const std::string pipe = (out_ / "pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const bool broken_pipe_ignored : {false, true}) {
    std::filesystem::remove_all(out_ / "out");
    const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (broken_pipe_ignored) std::signal(SIGPIPE, SIG_IGN);
    Program program(endless(), "", "", pipe);
    std::signal(SIGPIPE, SIG_DFL);
    char byte = 0;
    EXPECT_TRUE(program.wait_until([&] { return read(reader, &byte, 1) == 1; })) << program.err();
    close(reader);
    EXPECT_EQ(program.wait(), 141) << program.err();
    EXPECT_EQ(count_lines(program.err(), "error: stopped; "), 1) << program.err();
    expect_kept();
  }
}

TEST_F(Stop, LeavesNothingBeforeTheFirstPictureWhenItComes) {
  for (int delay = 0; delay < 300; delay += 15) {
    Program program(arguments({"--ddim_steps", "1000", "--n_samples", "64"}));
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    program.send(SIGINT);
    const int code = program.wait();
    EXPECT_TRUE(code == 130 || code == -SIGINT) << code << program.err();
    EXPECT_EQ(files(), Words());
    EXPECT_FALSE(std::filesystem::exists(out_ / "out"));
  }
}

TEST_F(Stop, OfAConversionLeavesNothing) {
  for (int delay = 50; delay < 400; delay += 25) {
    const auto made = out_ / "made";
    std::filesystem::remove_all(made);
    std::filesystem::create_directory(made);
    Program program({"random-checkpoint", (made / "large.safetensors").string()});
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    program.send(SIGINT);
    program.wait();
    EXPECT_TRUE(std::filesystem::is_empty(made));
  }
}

TEST_F(Stop, EndsAReplayThatWaitsForItsPicture) {
  const std::string pipe = (out_ / "pipe.png").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Program program({"replay", pipe});
  const int writer = open_to_reader(program, pipe);
  ASSERT_GE(writer, 0) << program.err();
  program.send(SIGINT);
  EXPECT_EQ(program.wait(), 130) << program.err();
  close(writer);
}

}  // namespace
}  // namespace sd::test
