#include "job/init_image.h"

#include <gtest/gtest.h>

#include "image/image_io.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd {
using namespace job;

namespace {

/// A square of 128 pixels whose red grows to the right, in a file.
class Square {
 public:
  Square() {
    Image image(128, 128);
    for (int y = 0; y < 128; ++y) {
      for (int x = 0; x < 128; ++x) image.at(x, y)[0] = static_cast<uint8_t>(2 * x);
    }
    image::write_png(folder_ / "init.png", image);
  }

  /// What is drawn of it where it grows.
  InitPicture grown(const Margins& by, std::optional<FitSize> fit = {}) const {
    InitSettings init;
    init.file = (folder_ / "init.png").string();
    init.fit = fit;
    init.mask.mode = InpaintMode::kLdm;
    init.mask.outpaint = by;
    return InitImages(ModelDescription()).get(init);
  }

 private:
  const test::TempFolder folder_;
};

TEST(InitImages, GrowByTheirEdges) {
  const InitPicture picture = Square().grown({.left = 64, .bottom = 64});
  const Image& image = *picture.image;
  ASSERT_EQ(image.width, 192);
  ASSERT_EQ(image.height, 192);
  EXPECT_EQ(image.at(0, 0)[0], 0);
  EXPECT_EQ(image.at(64 + 100, 191)[0], 200);
  const GrayImage& mask = picture.inpainting->mask;
  EXPECT_EQ(mask.at(63, 0), 255);
  EXPECT_EQ(mask.at(64, 127), 0);
  EXPECT_EQ(mask.at(64, 128), 255);
}

/// The grown picture is what is shrunk; its shape stays.
TEST(InitImages, AreFittedOnceTheyHaveGrown) {
  const InitPicture picture = Square().grown({.right = 128}, FitSize{128, 128});
  ASSERT_EQ(picture.image->width, 128);
  ASSERT_EQ(picture.image->height, 64);
  EXPECT_NEAR(picture.image->at(32, 32)[0], 128, 4);
  EXPECT_EQ(picture.inpainting->mask.at(32, 32), 0);
  EXPECT_EQ(picture.inpainting->mask.at(100, 32), 255);
}

TEST(InitImages, GrowToWhatTheModelDraws) {
  test::expect_error(ErrorKind::kUsage, "makes the picture 138x128",
                     [] { Square().grown({.right = 10}); });
}

}  // namespace
}  // namespace sd
