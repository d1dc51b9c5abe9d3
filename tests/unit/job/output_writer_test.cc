// Where pictures go: numbers that only rise, nothing overwritten, folders that cannot be used.

#include "job/output_writer.h"

#include <gtest/gtest.h>

#include <set>

#include "image/watermark.h"
#include "support/as_nobody.h"
#include "support/expect_error.h"
#include "support/pattern.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace image;
using namespace job;

namespace {

namespace fs = std::filesystem;

Image small(int seed) { return pattern("smooth", 64, 64, seed); }

/// Runs a writer over pictures; returns the paths that it wrote, relative to the folder.
std::vector<std::string> written(const OutputWriter::Settings& settings,
                                 const std::vector<Image>& images) {
  std::vector<std::string> names;
  const auto note = [&](const std::optional<fs::path>& path) {
    if (path) names.push_back(fs::relative(*path, settings.outdir).string());
  };
  OutputWriter writer(settings);
  for (const Image& image : images) note(writer.add(image));
  note(writer.finish());
  return names;
}

using Names = std::vector<std::string>;

TEST(OutputWriter, NumbersFromNoughtInAFolderOfItsOwnMaking) {
  const TempFolder folder;
  const fs::path outdir = folder / "a/b";
  EXPECT_EQ(written({.outdir = outdir, .images_per_row = 2}, {small(1), small(2)}),
            Names({"samples/00000.png", "samples/00001.png", "grid-0000.png"}));
  EXPECT_EQ(read_image(outdir / "samples/00001.png"), small(2));
  EXPECT_EQ(read_image(outdir / "grid-0000.png").width, 2 * 66 + 2);
}

TEST(OutputWriter, GoesOnFromTheHighestNumber) {
  const TempFolder folder;
  for (const char* name : {"samples/00002.png", "samples/00007.png", "samples/notes.txt",
                           "samples/00099.txt", "samples/x00099.png", "samples/00098-1.png",
                           "samples/-00097.png", "grid-0004.png", "grid-12.jpg", "grid-.png"}) {
    folder.write(name, "kept");
  }
  EXPECT_EQ(written({.outdir = folder.path()}, {small(1), small(2)}),
            Names({"samples/00008.png", "samples/00009.png", "grid-0005.png"}));
  std::ifstream kept(folder / "samples/00007.png");
  std::string text;
  kept >> text;
  EXPECT_EQ(text, "kept");
}

TEST(OutputWriter, TakesNumbersOfMoreDigits) {
  const TempFolder folder;
  folder.write("samples/99999.png", "");
  folder.write("grid-9999.png", "");
  EXPECT_EQ(written({.outdir = folder.path()}, {small(1), small(2)}),
            Names({"samples/100000.png", "samples/100001.png", "grid-10000.png"}));
  EXPECT_EQ(next_number(folder / "samples", ""), 100002);
  folder.write("samples/9223372036854775807.png", "");   // there is none after it
  folder.write("samples/99999999999999999999.png", "");  // beyond 64 bits
  EXPECT_EQ(next_number(folder / "samples", ""), 100002);
  EXPECT_EQ(next_number(folder / "absent", ""), 0);
}

TEST(OutputWriter, NeverOverwritesWhatAnotherRunWroteMeanwhile) {
  const TempFolder folder;
  OutputWriter first({.outdir = folder.path()});
  OutputWriter second({.outdir = folder.path()});
  first.add(small(1));
  second.add(small(2));
  first.add(small(3));
  second.add(small(4));
  first.finish();
  second.finish();
  std::set<int> seen;
  for (int i = 0; i < 4; ++i) {
    const Image image = read_image(folder / "samples" / ("0000" + std::to_string(i) + ".png"));
    for (int seed = 1; seed <= 4; ++seed) {
      if (image == small(seed)) seen.insert(seed);
    }
  }
  EXPECT_EQ(seen.size(), 4U);
  EXPECT_TRUE(fs::exists(folder / "grid-0000.png") && fs::exists(folder / "grid-0001.png"));
}

/// Adds so many pictures, and finishes each page when it is full.
std::vector<std::string> pages_of(const OutputWriter::Settings& settings, int64_t count) {
  std::vector<std::string> names;
  const auto note = [&](const std::optional<fs::path>& path) {
    if (path) names.push_back(fs::relative(*path, settings.outdir).string());
  };
  OutputWriter writer(settings);
  for (int64_t i = 0; i < count; ++i) {
    note(writer.add(Image(8, 8)));
    if (writer.page_is_full()) note(writer.finish());
  }
  note(writer.finish());
  return names;
}

TEST(OutputWriter, CutsALargeGridIntoPages) {
  const TempFolder folder;
  folder.write("grid-0002-1.png", "another run's");
  folder.write("grid-0003-3.png", "");
  OutputWriter::Settings settings = {.outdir = folder.path(),
                                     .save_samples = false,
                                     .images_per_row = 100,
                                     .most_pictures = 520,
                                     .largest_width = 8,
                                     .largest_height = 8};
  EXPECT_EQ(pages_of(settings, 520),
            Names({"grid-0004-1.png", "grid-0004-2.png", "grid-0004-3.png"}));
  EXPECT_EQ(read_image(folder / "grid-0004-1.png").height, 2 * 10 + 2);
  EXPECT_EQ(read_image(folder / "grid-0004-3.png").width, 100 * 10 + 2);
  EXPECT_EQ(pages_of(settings, 3), Names({"grid-0005.png"}));  // a run that is stopped
  settings.most_pictures = 200;
  EXPECT_EQ(pages_of(settings, 200), Names({"grid-0006.png"}));
}

TEST(OutputWriter, RefusesARowThatIsTooLargeBeforeAnythingIsDrawn) {
  const TempFolder folder;
  OutputWriter::Settings settings = {.outdir = folder.path(),
                                     .images_per_row = 1024,
                                     .most_pictures = 1024,
                                     .largest_width = 512,
                                     .largest_height = 512};
  expect_error(ErrorKind::kUsage, "a row of the grid", [&] { OutputWriter{settings}; });
  settings.save_grid = false;
  OutputWriter{settings};
}

TEST(OutputWriter, WritesOnlyWhatIsAskedFor) {
  const TempFolder folder;
  EXPECT_EQ(written({.outdir = folder / "a", .save_samples = false}, {small(1)}),
            Names({"grid-0000.png"}));
  EXPECT_FALSE(fs::exists(folder / "a/samples"));
  EXPECT_EQ(written({.outdir = folder / "b", .save_grid = false}, {small(1)}),
            Names({"samples/00000.png"}));
  EXPECT_EQ(written({.outdir = folder / "c"}, {}), Names());
  EXPECT_EQ(
      written({.outdir = folder / "c", .save_samples = false, .save_grid = false}, {small(1)}),
      Names());
  EXPECT_FALSE(fs::exists(folder / "c"));
}

TEST(OutputWriter, MarksPicturesThatAreLargeEnough) {
  const TempFolder folder;
  const Image large = pattern("smooth", 256, 256, 3);
  Image expected = large;
  ASSERT_TRUE(embed_watermark(expected, "StableDiffusionV1"));
  ::testing::internal::CaptureStderr();
  const OutputWriter::Settings settings = {.outdir = folder.path(),
                                           .watermark = "StableDiffusionV1"};
  written(settings, {large});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(read_image(folder / "samples/00000.png"), expected);
  EXPECT_EQ(read_image(folder / "grid-0000.png"), expected);  // one picture is its own grid
  ::testing::internal::CaptureStderr();
  written(settings, {small(1), small(2)});
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("below 256x256"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;  // once is enough
  EXPECT_EQ(read_image(folder / "samples/00001.png"), small(1));
}

TEST(OutputWriter, RefusesAFileInPlaceOfAFolder) {
  const TempFolder folder;
  const fs::path file = folder.write("taken", "a file");
  for (const fs::path& outdir : {file, file / "below", file / "far/below"}) {
    expect_error(ErrorKind::kFile, "is a file", [&] { OutputWriter({.outdir = outdir}); });
  }
  folder.write("out/samples", "a file");
  expect_error(ErrorKind::kFile, "is a file", [&] { OutputWriter({.outdir = folder / "out"}); });
  EXPECT_NO_THROW(OutputWriter({.outdir = folder / "out", .save_samples = false}));
}

/// Ends the process with the exit code of the error, as somebody who is not root.
[[noreturn]] void construct_as_nobody(const fs::path& outdir) {
  as_nobody([&] { OutputWriter({.outdir = outdir}); });
}

TEST(OutputWriter, RefusesAFolderThatCannotBeWrittenTo) {
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_all);
  fs::create_directory(folder / "locked");
  fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec |
                                         fs::perms::others_read | fs::perms::others_exec);
  EXPECT_EXIT(construct_as_nobody(folder / "locked/new"), ::testing::ExitedWithCode(3),
              "locked cannot be written to");
  EXPECT_EXIT(construct_as_nobody(folder / "new"), ::testing::ExitedWithCode(0), "");
  fs::permissions(folder / "locked", fs::perms::owner_all);
}

}  // namespace
}  // namespace sd::test
