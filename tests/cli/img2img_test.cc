// Pictures drawn from pictures, as a user does it: formats, flags, and what is refused.

#include <zlib.h>

#include "cli/picture_files.h"
#include "cli/small_model.h"
#include "image/exif.h"
#include "support/pattern.h"

namespace sd::test {
using namespace image;

namespace {

/// A PNG whose header tells of these sides, with the right check sum.
std::string with_sides(std::string png, const std::string& side) {
  constexpr size_t kType = 12, kSides = 16, kSum = 29;
  png.replace(kSides, 8, side + side);
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(&png[kType]), kSum - kType);
  for (size_t i = 0; i < 4; ++i) png[kSum + i] = static_cast<char>(sum >> (24 - 8 * i));
  return png;
}

class Img2Img : public SmallModel {
 protected:
  void SetUp() override {
    SmallModel::SetUp();
    write_png(out_ / "init.png", pattern("smooth", 64, 64, 1));
  }
  Finished draw_from(const Words& more, const std::string& input = "") const {
    Words words = {"--init-img", "init.png"};
    words.insert(words.end(), more.begin(), more.end());
    return draw_here("img2img", words, input);
  }
  /// Draws a picture a line, each by itself.
  void draw_lines(const std::string& lines, const Words& more = {}) const {
    Words words = {"--from-file", "-", "--seed-mode", "image"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = draw_from(words, lines);
    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(lines_of(done.out).size(), lines_of(lines).size());
  }
};

TEST_F(Img2Img, StartsFromEveryFormat) {
  Image image = pattern("noise", 96, 64, 3);
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = static_cast<uint8_t>(image.rgb[i - i % 3] / 2 * 2);  // GIF's 128 grays
  }
  write_png(out_ / "a.png", image);
  out_.write("a.bmp", bmp_bytes(image));
  out_.write("a.gif", gif_bytes(image));
  out_.write("a.jpg", jpeg_bytes(image));
  write_png(out_ / "a.jpg.png", read_image(out_ / "a.jpg"));
  std::string lines;
  for (const char* name : {"a.png", "a.bmp", "a.gif", "a.jpg", "a.jpg.png"}) {
    EXPECT_EQ(read_image(out_ / name).width, 96) << name;
    lines += std::string("x --seed 5 --init-img ") + name + "\n";
  }
  draw_lines(lines);
  EXPECT_EQ(sample(0).width, 64);  // 96 is no multiple of 64
  EXPECT_EQ(sample(1), sample(0)) << "BMP";
  EXPECT_EQ(sample(2), sample(0)) << "GIF";
  EXPECT_NE(sample(3), sample(0)) << "JPEG";
  EXPECT_EQ(sample(4), sample(3)) << "JPEG";
}

TEST_F(Img2Img, TakesEveryFlagOfAPicture) {
  draw_lines(
      "x --seed 5\nx --seed 5 --strength 0\nx --seed 5 --strength 1\nx --seed 5 --strength 1 "
      "--plms\nx --seed 5 --strength 1 --ddim_eta 1\ny --seed 5\nx --seed 5 --scale 1\n"
      "x --seed 5 --negative-prompt y\nx --seed 6\n");
  for (int i = 0; i < 9; ++i) {
    for (int k = 0; k < i; ++k) EXPECT_NE(sample(i), sample(k)) << i << " and " << k;
  }
}

TEST_F(Img2Img, SaysHowManyStepsItTakes) {
  const Finished some = draw_from({"--ddim_steps", "50", "--strength", "0.059"});
  EXPECT_EQ(some.exit_code, 0) << some.err;
  EXPECT_NE(some.err.find("sample 2/2"), std::string::npos) << some.err;
  const Finished none = draw_from({"--strength", "0", "--plms"});
  EXPECT_EQ(none.exit_code, 0) << none.err;
  EXPECT_EQ(none.err.find("sample 1/"), std::string::npos) << none.err;
  EXPECT_EQ(sample(0).width, 64);
}

/// The reference takes --fixed_code and ignores it: every batch draws noise of its own.
TEST_F(Img2Img, FixedCodeAddsTheSameNoiseToEveryBatch) {
  const Words two = {"--n_iter", "2", "--n_samples", "2"};
  Words fixed = two;
  fixed.push_back("--fixed_code");
  ASSERT_EQ(draw_from(two).exit_code, 0);
  ASSERT_EQ(draw_from(fixed).exit_code, 0);
  for (const int i : {0, 1}) {
    EXPECT_NE(sample(i), sample(i + 2));      // the reference's batches differ …
    EXPECT_EQ(sample(i + 4), sample(i));      // … and the first is drawn either way …
    EXPECT_EQ(sample(i + 6), sample(i + 4));  // … by those after it, here
  }
  EXPECT_NE(sample(4), sample(5));  // each row its own
}

TEST_F(Img2Img, BringsPicturesToASizeThatFits) {
  write_png(out_ / "odd.png", pattern("noise", 100, 127, 1));
  write_png(out_ / "large.png", pattern("smooth", 784, 196, 1));
  const Finished odd = draw_from({"--init-img", "odd.png"});
  ASSERT_EQ(odd.exit_code, 0) << odd.err;
  EXPECT_NE(odd.err.find("odd.png is resized from 100x127 to 64x64 (multiples of 64"),
            std::string::npos)
      << odd.err;
  const Finished large = draw_from({"--init-img", "large.png", "--fit", "256x256"});
  ASSERT_EQ(large.exit_code, 0) << large.err;
  EXPECT_NE(large.err.find("from 784x196 to 256x64\n"), std::string::npos) << large.err;
  EXPECT_EQ(sample(1).width, 256);
  EXPECT_EQ(sample(1).height, 64);
}

TEST_F(Img2Img, TurnsPicturesUprightWhenAsked) {
  const std::string jpeg = jpeg_bytes(pattern("smooth", 128, 64, 2));
  out_.write("lying.jpg", with_orientation(jpeg, 6));
  write_png(out_ / "turned.png", apply_orientation(read_image(out_ / "lying.jpg"), 6));
  ASSERT_EQ(draw_from({"--init-img", "lying.jpg"}).exit_code, 0);
  ASSERT_EQ(draw_from({"--init-img", "lying.jpg", "--exif"}).exit_code, 0);
  ASSERT_EQ(draw_from({"--init-img", "turned.png"}).exit_code, 0);
  EXPECT_EQ(sample(0).width, 128);
  EXPECT_EQ(sample(1).width, 64);
  EXPECT_EQ(sample(1).height, 128);
  EXPECT_EQ(sample(1), sample(2));
}

TEST_F(Img2Img, ReadsDeepColours) {
  const std::string data = std::string(SD_SOURCE_DIR) + "/tests/data/image/";
  const Image deep = read_image(data + "color2-16bit.png");
  std::string pnm = "P6 64 64 65535\n";
  Image image(64, 64);
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    image.rgb[i] = deep.rgb[i % deep.rgb.size()];
    pnm += static_cast<char>(image.rgb[i]);
    pnm += static_cast<char>(image.rgb[i]);
  }
  out_.write("deep.ppm", pnm);
  write_png(out_ / "deep.png", image);
  draw_lines("x --seed 5 --init-img deep.ppm\nx --seed 5 --init-img deep.png\n");
  EXPECT_EQ(sample(0), sample(1));
}

TEST_F(Img2Img, RefusesFlagsBeforeItReadsTheCheckpoint) {
  out_.write("damaged/x.ckpt", "never looked at");
  const auto refuse = [&](const Words& flags, const std::string& part) {
    SCOPED_TRACE(flags.empty() ? part : flags[0]);
    Words words = {"--ckpt", "damaged/x.ckpt", "--config", "model/model.yaml"};
    words.insert(words.end(), flags.begin(), flags.end());
    expect_failure(draw_from(words), 2, part);
  };
  refuse({"--strength", "-0.1"}, "--strength must be from 0 to 1");
  refuse({"--strength", "nan"}, "--strength must be from 0 to 1");
  refuse({"--init-img", ""}, "--init-img: expected FILE, found an empty text");
  refuse({"--padding", "16"}, "--padding needs a mask");
  refuse({"--mask-blur", "2"}, "--mask-blur needs a mask");
  refuse({"--dpm_solver"}, "--dpm_solver");
  refuse({"--plms", "--ddim_eta", "1"}, "--ddim_eta must be 0 with the sampler plms");
  refuse({"--fit", "64"}, "--fit");
  refuse({"--fixed_code", "--seed-mode", "image"}, "--fixed_code does not go with");
  refuse({"--watermark", "\xff"}, "--watermark must be UTF-8");
  EXPECT_EQ(files(), Words());
}

TEST_F(Img2Img, RefusesWhatIsNoPictureOrTooSmall) {
  const std::string png = read_file(out_ / "init.png");
  const std::string huge = with_sides(png, "\x7f\xff\xff\xff");
  const std::string none = with_sides(png, std::string(4, '\0'));
  write_png(out_ / "small.png", Image(63, 200));
  const std::vector<std::pair<std::string, std::string>> contents = {
      {"cut.png", png.substr(0, png.size() / 2)},
      {"cut.jpg", jpeg_bytes(Image(64, 64)).substr(0, 100)},
      {"huge.png", huge},
      {"huge.ppm", "P6 2000000000 2000000000 255\n"},
      {"none.png", none},
      {"empty.png", ""},
      {"small.png", read_file(out_ / "small.png")}};
  for (const auto& [name, bytes] : contents) {
    out_.write(name, bytes);
    SCOPED_TRACE(name);
    const Finished failed = draw_from({"--init-img", name});
    EXPECT_EQ(failed.exit_code, 3) << failed.err;
    EXPECT_EQ(failed.out, "");
    EXPECT_EQ(count_lines(failed.err, "error: "), 1) << failed.err;
    EXPECT_NE(failed.err.find(name), std::string::npos) << failed.err;
  }
  expect_failure(draw_from({"--init-img", "no/such.png"}), 3, "no/such.png");
  EXPECT_EQ(files(), Words());
}

}  // namespace
}  // namespace sd::test
