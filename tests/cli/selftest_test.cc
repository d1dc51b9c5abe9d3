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
