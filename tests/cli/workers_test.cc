// --devices: several workers draw what one draws. CPU workers stand in for cards.

#include "cli/small_model.h"
#include "support/pattern.h"

namespace sd::test {
using namespace image;

namespace {

class Workers : public SmallModel {
 protected:
  void SetUp() override {
    SmallModel::SetUp();
    write_png(out_ / "init.png", pattern("smooth", 64, 64, 1));
    write_png(out_ / "wide.png", pattern("noise", 128, 64, 2));
  }

  /// Runs on one device and on three workers; every file must be the same, byte for byte, and come
  /// in the same order. (A worker computes with as many threads as the one device.)
  void expect_same(const std::string& script, const Words& more, const std::string& lines = "") {
    std::vector<Finished> runs;
    for (const bool several : {false, true}) {
      const std::string folder = several ? "several" : "one";
      Words words = {script,
                     "--ckpt",
                     "model/model.safetensors",
                     "-q",
                     "--ddim_steps",
                     "3",
                     "--n_samples",
                     "2",
                     "--safety",
                     "off"};
      if (script == "txt2img") words.insert(words.end(), {"--H", "64", "--W", "64"});
      if (several) {
        words.insert(words.end(), {"--devices", "cpu,cpu,cpu", "--threads", "3"});
      } else {
        words.insert(words.end(), {"--device", "cpu", "--threads", "1"});
      }
      words.insert(words.end(), {"--outdir", folder});
      words.insert(words.end(), more.begin(), more.end());
      runs.push_back(run_here(words, lines));
      ASSERT_EQ(runs.back().exit_code, 0) << runs.back().err;
    }
    const Words one = lines_of(runs[0].out), several = lines_of(runs[1].out);
    ASSERT_EQ(one.size(), several.size());
    ASSERT_GT(one.size(), 4U);
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(several[i].substr(several[i].find('/')), one[i].substr(one[i].find('/')));
      EXPECT_EQ(read_file(out_ / several[i]), read_file(out_ / one[i])) << one[i];
    }
    std::filesystem::remove_all(out_ / "one");
    std::filesystem::remove_all(out_ / "several");
  }
};

TEST_F(Workers, DrawWhatOneDeviceDraws) {
  expect_same("txt2img", {"--n_iter", "4", "--plms"});
  expect_same("txt2img", {"--n_iter", "4", "--ddim_eta", "0.8"});
  expect_same("txt2img", {"--n_iter", "4", "--ddim_eta", "0.8", "--rng", "cpu"});
  expect_same("txt2img", {"--n_iter", "4", "--fixed_code"});
  expect_same("txt2img", {"--n_iter", "4", "--seed-mode", "image"});
}

TEST_F(Workers, DrawWhatOneDeviceDrawsFromPictures) {
  for (const char* rng : {"cuda", "cpu"}) {
    expect_same("img2img", {"--init-img", "init.png", "--n_iter", "4", "--rng", rng});
  }
  expect_same("img2img", {"--init-img", "init.png", "--n_iter", "4", "--fixed_code"});
  expect_same("img2img", {"--from-file", "-", "--n_iter", "2"},
              "x --init-img init.png\ny --init-img wide.png\nz --init-img init.png --plms\n");
}

TEST_F(Workers, DrawWhatOneDeviceDrawsFromAFile) {
  const std::string lines =
      "a\nb --W 128\nc --dpm_solver\nd --W 128 --plms\ne\nf --ddim_eta 1\ng --seed 7\nh --W 128\n";
  for (const char* mode : {"stream", "image"}) {
    expect_same("txt2img", {"--from-file", "-", "--n_iter", "2", "--seed-mode", mode}, lines);
  }
}

TEST_F(Workers, SayWhoSpeaks) {
  const Finished done = draw({"--devices", "cpu,cpu", "--threads", "2"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  for (const char* who : {"worker 1 (cpu): device: cpu, 1 thread", "worker 2 (cpu): device: cpu"}) {
    EXPECT_EQ(count_lines(done.err, who), 1) << done.err;
  }
}

TEST_F(Workers, StopWhenTheUserStopsThem) {
  Program program(arguments({"--n_iter", "100000", "--n_samples", "1", "--devices", "cpu,cpu"}));
  ASSERT_TRUE(program.wait_for_line()) << program.err();
  program.send(SIGINT);
  EXPECT_EQ(program.wait(), 130) << program.err();
  const auto printed = lines_of(program.out());
  ASSERT_GE(printed.size(), 2U);  // a picture and the grid at least
  EXPECT_EQ(files().size(), printed.size());
  EXPECT_EQ(count_lines(program.err(), "error: stopped; "), 1) << program.err();
}

TEST_F(Workers, StopWhenOneFails) {
  // The folder turns into a file under their hands, so that no later picture can be written.
  Program program(arguments({"--n_iter", "100000", "--n_samples", "1", "--devices", "cpu,cpu"}));
  ASSERT_TRUE(program.wait_for_line()) << program.err();
  // A worker may make the folder again in between.
  for (int i = 0; !std::filesystem::is_regular_file(out_ / "out/samples"); ++i) {
    std::filesystem::rename(out_ / "out/samples", out_ / ("gone" + std::to_string(i)));
    out_.write("out/samples", "a file");
  }
  EXPECT_EQ(program.wait(), 3) << program.err();
  EXPECT_EQ(count_lines(program.err(), "error: "), 1) << program.err();
}

TEST_F(Workers, AreRefusedWhereTheyCannotBe) {
  expect_failure(draw({"--devices", "cpu,cpu", "--device", "cpu"}), 2, "--device");
  expect_failure(draw({"--devices", "1;2"}), 2, "expected GPUs like 0,1");
  expect_failure(draw({"--devices", ""}), 2, "expected GPUs like 0,1");
  expect_failure(draw({"--devices", "cpu,"}), 2, "expected GPUs like 0,1");
  expect_failure(draw({"--devices", "cpu", "--profile"}), 2, "--profile times one device");
  expect_failure(run({"plan", "--ckpt", checkpoint(), "--devices", "cpu"}), 2,
                 "sd plan is for one");
  out_.write("broken.safetensors", "not a checkpoint");
  expect_failure(draw({"--devices", "cpu,cpu", "--ckpt", (out_ / "broken.safetensors").string(),
                       "--config", config()}),
                 4, "broken.safetensors");
}

}  // namespace
}  // namespace sd::test
