// Files of prompts, as a user draws them: whose pictures come where, whatever is drawn together.

#include "cli/small_model.h"
#include "image/png_metadata.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

class PromptFile : public SmallModel {
 protected:
  Finished draw_lines(const std::string& lines, const Words& more = {}) const {
    Words words = {"--from-file", "-"};
    words.insert(words.end(), more.begin(), more.end());
    return draw_here("txt2img", words, lines);
  }
  /// What the PNG of that number says.
  json record(int number) const {
    const PngMetadata metadata = read_png_metadata(sample_path(number));
    const std::string* text = metadata.find("stable-diffusion");
    return text == nullptr ? json() : json::parse(*text);
  }
};

TEST_F(PromptFile, IsDrawnInItsOrderWhateverGoesTogether) {
  const Finished done = draw_lines(
      "a --W 128\nb\nc --W 128 --scale 3\nd --plms\ne --negative-prompt 'a dog'\nf --seed 7",
      {"--n_samples", "2", "--n_iter", "2"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  ASSERT_EQ(lines_of(done.out).size(), 12U);
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 6; ++i) {
      const int number = pass * 6 + i;
      EXPECT_EQ(lines_of(done.out)[static_cast<size_t>(number)].substr(3),
                sample_path(number).substr(out_.path().string().size() + 4));
      const json said = record(number);
      EXPECT_EQ(said.at("prompt"), std::string(1, static_cast<char>('a' + i)));
      EXPECT_EQ(said.at("width"), i == 0 || i == 2 ? 128 : 64);
      EXPECT_EQ(sample(number).width, said.at("width").get<int>());
      EXPECT_EQ(said.at("scale"), i == 2 ? 3 : 7.5);
      EXPECT_EQ(said.at("sampler"), i == 3 ? "plms" : "ddim");
      EXPECT_EQ(said.at("negative_prompt"), i == 4 ? "a dog" : "");
      EXPECT_EQ(said.at("seed"), i == 5 ? 7 + pass : 42);
    }
  }
}

TEST_F(PromptFile, KeepsGoingPastBadLines) {
  const Finished done =
      draw_lines("a\nb --no-such\nc --W 65\nd\ne\xff\n", {"--keep-going", "--n_samples", "2"});
  EXPECT_EQ(done.exit_code, 2) << done.err;
  EXPECT_EQ(lines_of(done.out).size(), 2U);
  EXPECT_EQ(record(0).at("prompt"), "a");
  EXPECT_EQ(record(1).at("prompt"), "d");
  for (const char* part : {"line 2 of ", "line 3 of ", "line 5 of ", "error: 3 lines of the"}) {
    EXPECT_NE(done.err.find(part), std::string::npos) << done.err;
  }
  EXPECT_EQ(done.err.find("\xff"), std::string::npos);
  EXPECT_EQ(lines_of(done.err).back().rfind("hint: ", 0), 0U) << done.err;
}

TEST_F(PromptFile, IsCheckedBeforeAnythingIsRead) {
  out_.write("damaged.ckpt", "never looked at");
  const Words damaged = {"--ckpt", "damaged.ckpt", "--config", "model/model.yaml"};
  expect_failure(draw_lines("a\nb --no-such\n", damaged), 2, "line 2 of -");
  expect_failure(draw_lines("a\n\nb\xff", damaged), 2, "line 3 of -");
  expect_failure(draw_lines("", damaged), 2, "has no lines");
  expect_failure(draw_lines("{\"prompt\": 5}", damaged), 2, "\"prompt\" must be a text");
  Words keep = damaged;
  keep.push_back("--keep-going");
  const Finished none = draw_lines("a --no-such\nb --W 1", keep);
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("no line of - can be drawn"), std::string::npos) << none.err;
  EXPECT_EQ(files(), Words());
}

TEST_F(PromptFile, MayComeFromAnywhereInAnyForm) {
  const std::string text = "\ufeffa cat\r\na dog --seed 5 --negative-prompt ''";
  const std::string lines =
      "\ufeff{\"prompt\": \"a cat\"}\r\n\r\n"
      "{\"seed\": \"5\", \"prompt\": \"a dog\", \"negative_prompt\": \"\"}";
  ASSERT_EQ(draw_lines(text).exit_code, 0);
  ASSERT_EQ(draw_lines(lines).exit_code, 0);
  out_.write("x.txt", text);
  ASSERT_EQ(draw_here("txt2img", {"--from-file", "x.txt"}).exit_code, 0);
  for (const int i : {0, 1}) {
    EXPECT_EQ(sample(i), sample(i + 2));
    EXPECT_EQ(sample(i), sample(i + 4));
  }
  EXPECT_NE(sample(0), sample(1));
}

TEST_F(PromptFile, MayHoldNulAndVeryLongLines) {
  const std::string longest(100'000, 'x');
  const std::string zero("a\0b", 3);
  const Finished done = draw_lines(zero + "\n" + longest);
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(record(0).at("prompt"), zero);
  EXPECT_EQ(record(1).at("prompt"), longest);
  EXPECT_EQ(done.err.find('\0'), std::string::npos);
  EXPECT_LT(done.err.size(), 5000U);
  const Finished shown = run_here({"show", "out/samples/00000.png"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_NE(shown.out.find("a\u2400b"), std::string::npos) << shown.out;
}

/// The largest difference of the pictures `a` and `b`, of 255.
int largest_difference(const Image& a, const Image& b) {
  int largest = 255;
  if (a.rgb.size() != b.rgb.size()) return largest;
  largest = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i)
    largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

/// In 8-bit values. A product may add its terms in another order where it has other rows; here
/// nothing was found to differ.
constexpr int kTolerance = 1;

TEST_F(PromptFile, InImageModeIsTheSameWhateverTheBatch) {
  const std::string lines = "a cat\na dog\n\na house --negative-prompt x\na tree\nthe sea\n";
  const Words flags = {"--seed-mode", "image", "--ddim_eta", "1", "--n_iter", "2"};
  int first = 0;
  for (const char* samples : {"1", "3", "4"}) {
    Words words = flags;
    words.insert(words.end(), {"--n_samples", samples});
    const Finished done = draw_lines(lines, words);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    ASSERT_EQ(lines_of(done.out).size(), 12U);
    int largest = 0;
    for (int i = 0; i < 12; ++i) {
      EXPECT_EQ(record(first + i).at("seed"), 42 + i);
      largest = std::max(largest, largest_difference(sample(first + i), sample(i)));
    }
    EXPECT_LE(largest, kTolerance) << samples;
    RecordProperty("largest_difference_at_" + std::string(samples), largest);
    first += 12;
  }
  EXPECT_GT(largest_difference(sample(0), sample(6)), kTolerance);  // the next pass's seed
}

TEST_F(PromptFile, AQuietRunSaysNothingOfItsBatches) {
  const Finished done = draw_lines("a\nb --W 128", {"--quiet"});
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(lines_of(done.out).size(), 2U);
}

}  // namespace
}  // namespace sd::test
