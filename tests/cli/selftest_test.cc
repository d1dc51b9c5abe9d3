// What the program says of itself: whether it draws as it should here, and which version it is.

#include "cli/small_model.h"
#include "image/png_metadata.h"
#include "support/variable.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

TEST(SelfTest, FindsEachKindOfKernelRight) {
  const Finished done = run({"selftest"});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  const Words lines = lines_of(done.out);
  EXPECT_GE(lines.size(), 2U);
  for (const std::string& line : lines) EXPECT_NE(line.find("right: "), std::string::npos) << line;
}

TEST(SelfTest, FindsOtherPicturesWrong) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "models/demo/selftest");
  for (const char* name : {"heart", "sun"}) {
    const auto path = folder / ("models/demo/selftest/" + std::string(name) + ".png");
    ASSERT_EQ(write_png(path, Image(128, 128), PngMetadata()), WriteOutcome::kWritten);
  }
  const Variable data("SD_DATA_DIR", folder.path().string());
  const Finished done = run({"selftest"});
  EXPECT_EQ(done.exit_code, 5) << done.err;
  EXPECT_NE(done.out.find("heart      WRONG: "), std::string::npos) << done.out;
}

/// A signal from outside stands in for that of an instruction that the processor does not know.
TEST(SelfTest, TellsOfKernelsThatEndTheirProcess) {
  if (!std::filesystem::exists("/proc/self/task/" + std::to_string(getpid()) + "/children")) {
    GTEST_SKIP() << "the system does not tell a process's children";
  }
  Program program({"selftest"});
  pid_t child = 0;
  ASSERT_TRUE(program.wait_until([&] { return (child = program.child()) != 0; }));
  kill(child, SIGILL);
  EXPECT_EQ(program.wait(), 5) << program.err();
  EXPECT_NE(program.out().find("WRONG: ended by a signal: Illegal instruction"), std::string::npos)
      << program.out();
  EXPECT_NE(program.err().find("error: this machine does not draw the pictures"), std::string::npos)
      << program.err();
}

TEST(Version, IsToldAsJsonWithTheCommit) {
  const Finished done = run({"--version", "--json"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const json version = json::parse(done.out);
  EXPECT_EQ(version["version"].get<std::string>() + "\n", run({"--version"}).out);
  EXPECT_TRUE(version["commit"].is_string());
  EXPECT_EQ(version["torch"], "2.11.0");
}

}  // namespace
}  // namespace sd::test
