// What happens where stdout cannot be written to: no command says that all went well.

#include "cli/small_model.h"
#include "support/pattern.h"

namespace sd::test {
using namespace image;

namespace {

class Output : public SmallModel {
 protected:
  /// The command must fail with a line that says why, wherever its output goes lost.
  void expect_refused(const Words& words, const std::string& input = "") const {
    for (const char* place : {"/dev/full", kClosed}) {
      SCOPED_TRACE(words[0] + " " + words.back() + " to " + place);
      const Finished done = run(words, input, "", place);
      EXPECT_EQ(done.exit_code, 3) << done.err;
      EXPECT_EQ(count_lines(done.err, "error: stdout cannot be written to: "), 1) << done.err;
    }
  }
  std::string picture() const {
    const auto path = out_ / "picture.png";
    write_png(path, pattern("smooth", 256, 256, 1));
    return path.string();
  }
};

TEST_F(Output, ThatIsLostIsAnError) {
  const std::string png = picture();
  expect_refused({"--help"});
  expect_refused({"--version"});
  expect_refused({"txt2img", "--help"});
  expect_refused({"devices"});
  expect_refused({"devices", "--json"});
  expect_refused({"tokenize", "a cat"});
  expect_refused({"tokenize", "--jsonl", "-"}, "{\"prompt\": \"a cat\"}\n");
  expect_refused({"show", png});
  expect_refused({"show", "--json", png});
  expect_refused({"watermark", png});
  expect_refused({"inspect", checkpoint()});
  expect_refused({"inspect", "--json", checkpoint()});
  expect_refused({"plan", "--ckpt", checkpoint(), "--H", "64", "--W", "64"});
}

TEST_F(Output, ThatIsLostIsAnErrorWhereFilesAreWrittenToo) {
  int number = 0;
  for (const char* place : {"/dev/full", kClosed}) {
    const std::string end = std::to_string(++number) + ".safetensors";
    const std::string copy = (out_ / ("copy" + end)).string();
    const std::string made = (out_ / ("made" + end)).string();
    EXPECT_EQ(run({"convert", checkpoint(), copy}, "", "", place).exit_code, 3);
    EXPECT_EQ(run({"random-checkpoint", made, "--config", config()}, "", "", place).exit_code, 3);
    EXPECT_TRUE(std::filesystem::exists(copy));
    EXPECT_TRUE(std::filesystem::exists(made));
  }
}

TEST_F(Output, OfARunIsKeptWhereItsPathsAreLost) {
  expect_refused(arguments());
  EXPECT_EQ(files(), Words({"grid-0000.png", "grid-0001.png", "samples/00000.png",
                            "samples/00001.png", "samples/00002.png", "samples/00003.png"}));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(sample(i).width, 64);  // no path was written into one
  expect_refused({"replay", "--ckpt", checkpoint(), sample_path(0)});
}

TEST_F(Output, ThatNobodyWantsIsNoError) {
  const Finished done = run(arguments({"--skip_save", "--skip_grid"}), "", "", kClosed);
  EXPECT_EQ(done.exit_code, 0) << done.err;
}

TEST_F(Output, OfARunThatFailsKeepsItsExitCode) {
  EXPECT_EQ(run({"txt2img", "--no-such-flag"}, "", "", "/dev/full").exit_code, 2);
  EXPECT_EQ(run({"inspect", "no/such.ckpt"}, "", "", kClosed).exit_code, 3);
}

}  // namespace
}  // namespace sd::test
