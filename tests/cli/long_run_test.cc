// Runs of many pictures: their memory, and their grids.

#include <sys/resource.h>

#include "cli/small_model.h"

namespace sd::test {
using namespace image;

namespace {

class LongRun : public SmallModel {
 protected:
  /// The most memory, in kB, of a run of so many prompts; each differs from the others.
  int64_t peak_of(int pictures) const {
    std::string prompts;
    for (int i = 0; i < pictures; ++i) prompts += "picture " + std::to_string(i) + "\n";
    const std::string file = out_.write("prompts.txt", prompts).string();
    std::filesystem::remove_all(out_ / "out");
    Program program(arguments({"--from-file", file, "--ddim_steps", "1", "-q"}));
    struct rusage usage = {};
    EXPECT_EQ(program.wait(&usage), 0) << program.err();
    return usage.ru_maxrss;
  }
};

TEST_F(LongRun, NeedsNoMoreMemoryThanAShortOne) {
  constexpr int kShort = 270, kLong = 2700;  // pages of the grid are full in both
  // The writer's peak and the drawing's may fall together in one run and not in the other, and the
  // allocator takes steps of some 20 MB: runs of 10,000 and of 33,000 pictures end with as much.
  constexpr int64_t kChance = 40'000;
  const int64_t grown = peak_of(kLong) - peak_of(kShort);
  EXPECT_LT(grown, (kLong - kShort) * 6 + kChance) << "kB";  // it was 43 kB a picture
}

TEST_F(LongRun, HasAGridOfSeveralPages) {
  const Finished done = draw(
      {"--n_rows", "1", "--n_samples", "16", "--n_iter", "17", "--ddim_steps", "1", "--skip_save"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(files(), Words({"grid-0000-1.png", "grid-0000-2.png"}));
  EXPECT_EQ(read_image(out_ / "out/grid-0000-1.png").height, 256 * 66 + 2);
  EXPECT_EQ(read_image(out_ / "out/grid-0000-2.png").height, 16 * 66 + 2);
  const PngMetadata texts = read_png_metadata(out_ / "out/grid-0000-2.png");
  EXPECT_EQ(nlohmann::json::parse(*texts.find("stable-diffusion")).at("grid_of").size(), 16U);
}

TEST_F(LongRun, IsRefusedAtOnceWhereItsGridCannotBeMade) {
  const std::string damaged = out_.write("damaged.ckpt", "never looked at").string();
  const Finished failed =
      draw({"--ckpt", damaged, "--config", config(), "--n_samples", "1000", "--n_iter", "1"});
  expect_failure(failed, 2, "a row of the grid of 66002x68 pixels");
  EXPECT_EQ(files(), Words());
}

}  // namespace
}  // namespace sd::test
