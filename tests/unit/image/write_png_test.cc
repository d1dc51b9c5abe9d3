#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <thread>

#include "fixtures.h"
#include "image/image_io.h"
#include "sd/error.h"
#include "support/pattern.h"
#include "support/ulimit.h"

namespace sd {
using namespace image;

namespace {

TEST(WritePng, ComesBackAsItWas) {
  const test::TemporaryFolder folder;
  for (const char* kind : {"noise", "saturated", "smooth", "flat"}) {
    for (const int width : {1, 2, 37, 300}) {
      const Image image = test::pattern(kind, width, 41, width);
      const auto path = folder.path() / (kind + std::to_string(width) + ".png");
      EXPECT_EQ(write_png(path, image), WriteOutcome::kWritten);
      EXPECT_EQ(read_image(path), image);
    }
  }
}

TEST(WritePng, CompressesSmoothPictures) {
  const Image image = test::pattern("smooth", 512, 512, 1);
  EXPECT_LT(encode_png(image).size(), image.rgb.size() / 40);
}

TEST(WritePng, NeverReplacesAnything) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "00000.png";
  const Image first = test::pattern("noise", 9, 8, 1);
  ASSERT_EQ(write_png(path, first), WriteOutcome::kWritten);
  EXPECT_EQ(write_png(path, test::pattern("noise", 9, 8, 2)), WriteOutcome::kExists);
  EXPECT_EQ(read_image(path), first);
  std::filesystem::create_directory(folder.path() / "00001.png");
  EXPECT_EQ(write_png(folder.path() / "00001.png", first), WriteOutcome::kExists);
  std::filesystem::create_symlink("nowhere", folder.path() / "00002.png");
  EXPECT_EQ(write_png(folder.path() / "00002.png", first), WriteOutcome::kExists);
  EXPECT_EQ(folder.entries(), 3U);  // no temporary file is left
}

TEST(WritePng, OneOfManyWritersGetsTheName) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "00000.png";
  std::atomic<int> written{0}, existing{0};
  std::vector<std::thread> threads;
  for (int k = 0; k < 8; ++k) {
    threads.emplace_back([&, k] {
      const Image image = test::pattern("noise", 64, 64, k);
      ++(write_png(path, image) == WriteOutcome::kWritten ? written : existing);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(written, 1);
  EXPECT_EQ(existing, 7);
  EXPECT_EQ(read_image(path).width, 64);
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(WritePng, FollowsTheUmask) {
  const test::TemporaryFolder folder;
  const mode_t old = umask(027);
  write_png(folder.path() / "a.png", Image(2, 2));
  umask(old);
  struct stat about = {};
  ASSERT_EQ(stat((folder.path() / "a.png").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640U);
}

void expect_unwritable(const std::filesystem::path& path, const Image& image) {
  try {
    write_png(path, image);
    ADD_FAILURE() << path << " was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_NE(std::string(error.what()).find(path.string() + ": cannot be written"),
              std::string::npos);
  }
}

TEST(WritePng, SaysWhenTheFolderDoesNotTakeIt) {
  const test::TemporaryFolder folder;
  const Image image(2, 2);
  expect_unwritable(folder.path() / "absent" / "a.png", image);
  ASSERT_EQ(write_png(folder.path() / "file.png", image), WriteOutcome::kWritten);
  expect_unwritable(folder.path() / "file.png" / "a.png", image);
  expect_unwritable(folder.path() / (std::string(300, 'n') + ".png"), image);
}

TEST(WritePng, LeavesNothingBehindWhenTheDiskIsFull) {
  const test::TemporaryFolder folder;
  const auto old = signal(SIGXFSZ, SIG_IGN);
  {
    const test::Ulimit limit(RLIMIT_FSIZE, 1000);
    expect_unwritable(folder.path() / "a.png", test::pattern("noise", 64, 64, 1));
  }
  signal(SIGXFSZ, old);
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(WritePng, RefusesWhatItCannotHold) {
  const auto refuses = [](const Image& image, const char* keyword, const char* text) {
    PngMetadata metadata;
    metadata.add(keyword, text);
    EXPECT_THROW(encode_png(image, metadata), Error);
  };
  refuses(Image(), "parameters", "a cat");
  refuses(Image(1, 1), "", "a cat");
  refuses(Image(1, 1), " parameters", "a cat");
  refuses(Image(1, 1), "paramètres", "a cat");
  refuses(Image(1, 1), std::string(80, 'p').c_str(), "a cat");
  refuses(Image(1, 1), "parameters", "\xff\xfe");
}

}  // namespace
}  // namespace sd
