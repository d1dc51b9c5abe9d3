// What img2img starts from: which files, at which size, with how many steps.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

#include "cli/prompt_lines.h"
#include "image/exif.h"
#include "image/image_io.h"
#include "image/resize.h"
#include "job/batch_plan.h"
#include "job/init_image.h"
#include "support/expect_error.h"
#include "support/pattern.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace cli;
using namespace image;
using namespace job;

namespace {

class PicturePlan : public ::testing::Test {
 protected:
  BatchPlan plan() {
    ::testing::internal::CaptureStderr();
    try {
      BatchPlan all =
          plan_batches(options_, model_, /*built_in_model=*/false, read_prompt_lines(options_));
      said_ = ::testing::internal::GetCapturedStderr();
      return all;
    } catch (...) {
      said_ = ::testing::internal::GetCapturedStderr();
      throw;
    }
  }
  Image planned_image() { return *plan().batches.at(0).request.batch.init.image; }

  /// A picture of noise in the folder, which --init-img then names.
  Image start_from(int width, int height, const std::string& name = "init.png") {
    Image image = pattern("noise", width, height, 1);
    const auto path = folder_ / name;
    std::filesystem::remove(path);
    EXPECT_EQ(write_png(path, image), WriteOutcome::kWritten);
    options_.batch.init.file = path.string();
    return image;
  }

  static Image lanczos(const Image& image, int width, int height) {
    return resize(image, width, height, ResizeFilter::kLanczos);
  }

  int64_t steps(double strength, int64_t asked) {
    options_.batch.init.strength = strength;
    options_.batch.steps = asked;
    return steps_taken(model_, plan().batches.at(0).request);
  }

  TempFolder folder_;
  Settings options_{Script::kImg2Img};
  ModelDescription model_;
  std::string said_;
};

TEST_F(PicturePlan, TakesAPictureThatFitsAsItIs) {
  const Image image = start_from(128, 64);
  const BatchPlan all = plan();
  ASSERT_EQ(all.batches.size(), 1U);
  const Request& request = all.batches[0].request;
  EXPECT_EQ(*request.batch.init.image, image);
  EXPECT_EQ(request.batch.width, 128);
  EXPECT_EQ(request.batch.height, 64);
  EXPECT_EQ(request.pictures.size(), 2U);  // the reference's img2img defaults
  EXPECT_EQ(request.pictures[0].scale, 5.0);
  EXPECT_EQ(request.batch.init.strength, 0.75);
  EXPECT_EQ(all.passes, 1);
  EXPECT_EQ(all.batches[0].request.batch.init.file, options_.batch.init.file);
  EXPECT_EQ(said_, "");
}

TEST_F(PicturePlan, FloorsTheSidesToWhatTheModelTakes) {
  Image image = start_from(199, 81);  // the reference's 192x64, too
  EXPECT_EQ(planned_image(), lanczos(image, 192, 64));
  EXPECT_NE(said_.find("is resized from 199x81 to 192x64\n"), std::string::npos) << said_;
  image = start_from(100, 127);  // the reference's 96x96 fails in the UNet
  EXPECT_EQ(planned_image(), lanczos(image, 64, 64));
  EXPECT_NE(said_.find("from 100x127 to 64x64 (multiples of 64: "), std::string::npos) << said_;
  model_.size_multiple = 32;
  EXPECT_EQ(planned_image(), lanczos(image, 96, 96));
  EXPECT_EQ(said_.find("multiples of"), std::string::npos) << said_;
}

TEST_F(PicturePlan, RefusesWhatIsTooSmall) {
  const std::vector<std::pair<int, int>> sizes = {{63, 64}, {64, 63}, {1, 1}, {1000, 1}};
  for (const auto& [width, height] : sizes) {
    start_from(width, height);
    expect_error(ErrorKind::kFile, "each side must have at least 64 pixels", [&] { plan(); });
  }
  start_from(64, 64);
  options_.batch.init.fit = FitSize{63, 640};
  expect_error(ErrorKind::kFile, "is 63x63: each side must have at least 64", [&] { plan(); });
}

TEST_F(PicturePlan, RefusesWhatIsTooLargeUnlessItIsBroughtDown) {
  start_from(16448, 64);
  expect_error(ErrorKind::kFile, "is 16448x64: a side may have at most 16384 pixels",
               [&] { plan(); });
  options_.batch.init.fit = FitSize{8224, 640};
  expect_error(ErrorKind::kFile, "is 8224x32", [&] { plan(); });
}

TEST_F(PicturePlan, BringsLargerPicturesDownToFit) {
  struct Case {
    int width, height;
    FitSize fit;
    int to_width, to_height;
  };
  const std::vector<Case> cases = {
      {256, 128, {128, 128}, 128, 64},   {128, 256, {128, 128}, 64, 128},
      {128, 64, {512, 512}, 128, 64},    {128, 64, {128, 64}, 128, 64},
      {300, 200, {200, 1000}, 192, 128}, {784, 784, {512, 512}, 512, 512},
      {686, 98, {448, 64}, 448, 64},     {1000, 64, {999, 64}, 960, 64 - 64},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.width) + "x" + std::to_string(c.height));
    const Image image = start_from(c.width, c.height);
    options_.batch.init.fit = c.fit;
    if (c.to_height == 0) {
      expect_error(ErrorKind::kFile, "999x63", [&] { plan(); });
    } else {
      EXPECT_EQ(planned_image(), lanczos(image, c.to_width, c.to_height));
    }
  }
}

TEST_F(PicturePlan, FillsTheFitWhereDivisionIsNotExact) {
  options_.batch.init.fit = FitSize{128, 128};
  for (const int side : {161, 187, 196, 197}) {  // times 128.0 / itself it is 127.99999999999999
    start_from(side, side);
    EXPECT_EQ(plan().batches.at(0).request.batch.width, 128) << side;
  }
}

TEST_F(PicturePlan, TurnsPicturesUprightOnlyWhenAsked) {
  const std::string data = std::string(SD_SOURCE_DIR) + "/tests/data/image/";
  model_.size_multiple = 1;  // the pictures are tiny
  for (const char* name : {"orientation6.jpg", "orientation3.png"}) {
    SCOPED_TRACE(name);
    options_.batch.init.file = data + name;
    const Image lying = read_image(data + name);
    options_.batch.init.exif = false;
    EXPECT_EQ(planned_image(), lying);
    options_.batch.init.exif = true;
    EXPECT_EQ(planned_image(), apply_orientation(lying, name[11] - '0'));
    EXPECT_NE(planned_image(), lying);
  }
}

/// A pipe gives its bytes once.
TEST_F(PicturePlan, TurnsAPictureFromANamedPipe) {
  const std::string picture = std::string(SD_SOURCE_DIR) + "/tests/data/image/orientation6.jpg";
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << std::ifstream(picture).rdbuf(); });
  model_.size_multiple = 1;
  options_.batch.init.exif = true;
  options_.batch.init.file = pipe;
  EXPECT_EQ(planned_image(), apply_orientation(read_image(picture), 6));
  writer.join();
}

TEST_F(PicturePlan, ReadsEachFileOnce) {
  start_from(64, 64, "a.png");
  const std::string a = options_.batch.init.file;
  start_from(64, 64, "b.png");
  options_.n_samples = 4;
  options_.from_file = folder_.write("x.txt", "1\n2 --init-img '" + a + "'\n3\n4").string();
  const BatchPlan all = plan();
  ASSERT_EQ(all.batches.size(), 2U);  // equal pixels, but another file
  EXPECT_EQ(all.batches[0].places, std::vector<int64_t>({0, 2, 3}));
  EXPECT_EQ(all.batches[1].request.batch.init.file, a);
  EXPECT_NE(all.batches[0].request.batch.init.image, all.batches[1].request.batch.init.image);
}

TEST_F(PicturePlan, NamesTheLineOfAPictureThatIsNotThere) {
  start_from(64, 64);
  options_.from_file = folder_.write("x.txt", "1\n2 --init-img no/such.png\n").string();
  expect_error(ErrorKind::kFile, "line 2 of ", [&] { plan(); });
  options_.keep_going = true;
  EXPECT_EQ(plan().bad_lines, 1);
  EXPECT_NE(said_.find("no/such.png"), std::string::npos) << said_;
}

TEST_F(PicturePlan, RefusesWhatIsNoPicture) {
  expect_error(ErrorKind::kUsage, "no picture to start from", [&] { plan(); });
  for (const std::string& bytes : {std::string(), std::string("not a picture"),
                                   std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)}) {
    options_.batch.init.file = folder_.write("bad.png", bytes).string();
    expect_error(ErrorKind::kFile, "bad.png", [&] { plan(); });
  }
  options_.batch.init.file = folder_.path().string();
  expect_error(ErrorKind::kFile, "", [&] { plan(); });
  options_.batch.init.file = (folder_ / "absent.png").string();
  expect_error(ErrorKind::kFile, "absent.png", [&] { plan(); });
}

TEST_F(PicturePlan, TakesStrengthsFromZeroToOne) {
  start_from(64, 64);
  for (const double strength : {0.0, 1e-300, 0.5, 1.0}) EXPECT_NO_THROW(steps(strength, 50));
  for (const double strength : {-0.1, -1e-300, 1.1, std::nextafter(1.0, 2.0), HUGE_VAL, -HUGE_VAL,
                                std::numeric_limits<double>::quiet_NaN()}) {
    expect_error(ErrorKind::kUsage, "`strength` must be from 0 to 1", [&] { steps(strength, 50); });
  }
}

TEST_F(PicturePlan, TakesThePartOfTheStepsThatPythonWould) {
  start_from(64, 64);
  EXPECT_EQ(steps(0.75, 50), 37);
  EXPECT_EQ(steps(0.29, 100), 28);  // 28.999999999999996
  EXPECT_EQ(steps(0.57, 100), 56);  // 56.99999999999999
  EXPECT_EQ(steps(0.58, 100), 57);  // 57.99999999999999
  EXPECT_EQ(steps(0.1, 30), 3);
  EXPECT_EQ(steps(0.99, 1), 0);
  EXPECT_EQ(steps(0, 50), 0);
  EXPECT_EQ(steps(1, 50), 50);
  EXPECT_EQ(steps(1, 1), 1);
  EXPECT_EQ(steps(1, 30), 30);  // of the grid's 31
  options_.plms = true;
  EXPECT_EQ(steps(0.75, 50), 37);
}

TEST_F(PicturePlan, TakesTheSamplersThatCanStartThere) {
  start_from(64, 64);
  EXPECT_EQ(plan().batches.at(0).request.batch.sampler, "ddim");
  options_.plms = true;
  EXPECT_EQ(plan().batches.at(0).request.batch.sampler, "plms");
  options_.dpm_solver = true;  // img2img has no such flag
  expect_error(ErrorKind::kUsage, "dpm_solver cannot start from a picture", [&] { plan(); });
}

}  // namespace
}  // namespace sd::test
