// Tars of a run and of a job: where they may go, and what becomes of one that lacks samples.

#include <gtest/gtest.h>

#include <algorithm>

#include "job/job_folder.h"
#include "job/kept_tars.h"
#include "job/sinks/sinks.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
using namespace job;

namespace {

class SilentReporter final : public Reporter {
 public:
  void notice(const std::string& /*line*/) override {}
  void complaint(const std::string& /*line*/) override {}
  void progress(const RunProgress& /*progress*/) override {}
  void wrote(const std::filesystem::path& /*path*/, std::optional<int64_t> /*place*/) override {}
  void end(const RunSummary& /*summary*/) override {}
};

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TarSinks : public ::testing::Test {
 protected:
  TarSinks() {
    settings_.n_iter = 1;
    settings_.no_watermark = true;
    settings_.output.sink = "tar";
  }

  /// A picture that its place alone decides.
  static FinishedPicture picture(int64_t place) {
    Image image(64, 64);
    image.rgb.assign(image.rgb.size(), static_cast<uint8_t>(place + 1));
    return {place, std::move(image), std::nullopt};
  }

  /// Writes the only block, of five pictures, with those places, in that order.
  /// `ends`: false for a run that is stopped.
  void write(const JobFolder& folder, const std::vector<int64_t>& places, KeptTars* kept = nullptr,
             bool ends = true) {
    const auto sink = open_job_tar_sink({.settings = settings_,
                                         .load = {},
                                         .reporter = &reporter_,
                                         .job = &folder,
                                         .block_pictures = 5,
                                         .kept = kept});
    for (const int64_t place : places) sink->add(picture(place));
    if (ends) sink->end_block(0);
    sink->finish();
  }

  JobFolder job(const std::string& name) const {
    std::filesystem::create_directories(folder_ / name);
    return JobFolder({folder_ / name, 5, PictureFormat::kPng});
  }

  TempFolder folder_;
  Settings settings_;
  SilentReporter reporter_;
};

TEST_F(TarSinks, AreRefusedWhereNothingCanBeWritten) {
  settings_.outdir = folder_.write("a file", "x").string();
  expect_error(ErrorKind::kFile, "`outdir` must be a folder",
               [&] { open_tar_sink({.settings = settings_, .load = {}, .reporter = &reporter_}); });
  const JobFolder folder({folder_ / "a file", 5, PictureFormat::kPng});
  expect_error(ErrorKind::kFile, "`job` must be a folder", [&] { write(folder, {}); });
}

TEST_F(TarSinks, CopyWhatATarHasThatIsDrawnAgain) {
  const JobFolder whole = job("whole");
  write(whole, {0, 1, 2, 3, 4});
  const std::vector<std::vector<int64_t>> failed = {{0}, {2}, {4}, {3, 1}, {0, 1, 2, 3, 4}};
  for (size_t i = 0; i < failed.size(); ++i) {
    SCOPED_TRACE(i);
    const JobFolder folder = job("job" + std::to_string(i));
    std::vector<int64_t> good;
    for (int64_t place = 0; place < 5; ++place) {
      const auto& bad = failed[i];
      if (std::find(bad.begin(), bad.end(), place) == bad.end()) good.push_back(place);
    }
    for (const int64_t place : failed[i]) folder.fail(place, place + 1, "no memory");
    write(folder, good);
    EXPECT_EQ(read_tar_statistics(folder.names().tar_statistics(0))->failed, std::ssize(failed[i]));
    settings_.job.retry_failed = true;
    KeptTars kept;
    ASSERT_TRUE(kept.open(folder.names(), 0));
    write(folder, failed[i], &kept);
    settings_.job.retry_failed = false;
    EXPECT_EQ(bytes_of(folder.names().tar(0)), bytes_of(whole.names().tar(0)));
    EXPECT_EQ(bytes_of(folder.names().tar_statistics(0)),
              bytes_of(whole.names().tar_statistics(0)));
    for (const int64_t place : failed[i]) EXPECT_EQ(folder.failures(place), 0);
  }
}

TEST_F(TarSinks, LeaveATarAsItIsWhereEverythingFailedAgain) {
  const JobFolder folder = job("job");
  write(folder, {0, 2});
  const auto before = std::filesystem::last_write_time(folder.names().tar(0));
  KeptTars kept;
  ASSERT_TRUE(kept.open(folder.names(), 0));
  write(folder, {}, &kept);
  EXPECT_EQ(std::filesystem::last_write_time(folder.names().tar(0)), before);
  EXPECT_TRUE(folder.done_tar(0).has_value());
}

TEST_F(TarSinks, KeepWhatAStoppedRunHasDrawn) {
  const JobFolder whole = job("whole"), folder = job("job");
  write(whole, {0, 1, 2, 3, 4});
  const std::vector<std::vector<int64_t>> runs = {{1, 3}, {}, {0}, {4}};
  for (const std::vector<int64_t>& places : runs) {
    KeptTars kept;
    kept.open_unfinished(folder.names(), 0);
    write(folder, places, &kept, /*ends=*/false);
    EXPECT_TRUE(std::filesystem::exists(folder.names().tar(0)));
    EXPECT_FALSE(std::filesystem::exists(folder.names().tar_statistics(0)));
    EXPECT_FALSE(folder.done_tar(0));
  }
  KeptTars kept;
  const auto samples = kept.open_unfinished(folder.names(), 0);
  ASSERT_TRUE(samples);
  EXPECT_EQ(samples->places(), (std::vector<int64_t>{0, 1, 3, 4}));
  write(folder, {2}, &kept);
  EXPECT_EQ(bytes_of(folder.names().tar(0)), bytes_of(whole.names().tar(0)));
  EXPECT_EQ(bytes_of(folder.names().tar_statistics(0)), bytes_of(whole.names().tar_statistics(0)));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.names().folder()), {}), 2);
}

TEST_F(TarSinks, EndATarThatLacksOnlyItsStatistics) {
  const JobFolder folder = job("job");
  write(folder, {0, 1, 2, 3, 4});
  const std::string statistics = bytes_of(folder.names().tar_statistics(0));
  std::filesystem::remove(folder.names().tar_statistics(0));
  KeptTars kept;
  ASSERT_TRUE(kept.open_unfinished(folder.names(), 0));
  write(folder, {}, &kept);
  EXPECT_EQ(bytes_of(folder.names().tar_statistics(0)), statistics);
}

TEST_F(TarSinks, LeaveATarThatAnotherRunHasEnded) {
  const JobFolder whole = job("whole"), folder = job("job");
  write(whole, {0, 1, 2, 3, 4});
  write(folder, {0}, nullptr, /*ends=*/false);
  KeptTars kept;
  ASSERT_TRUE(kept.open_unfinished(folder.names(), 0));
  write(folder, {0, 1, 2, 3, 4});
  write(folder, {1, 2}, &kept, /*ends=*/false);  // it is stopped only now
  EXPECT_EQ(bytes_of(folder.names().tar(0)), bytes_of(whole.names().tar(0)));
  EXPECT_TRUE(folder.done_tar(0));
}

TEST_F(TarSinks, KeepOnlySoundSamplesOfAStoppedRun) {
  const JobFolder folder = job("job");
  write(folder, {0, 1, 2}, nullptr, /*ends=*/false);
  const TarSamples all(folder.names().tar(0));
  std::string bytes = bytes_of(folder.names().tar(0));
  const auto damage = [&](int64_t place, size_t file) {
    const std::string found = all.files(place)[file].bytes;
    bytes[bytes.find(found, bytes.find(all.files(place)[file].name)) + found.size() / 2] ^= 1;
  };
  damage(0, 0);
  damage(1, 2);
  std::ofstream(folder.names().tar(0), std::ios::binary) << bytes;
  KeptTars kept;
  const auto samples = kept.open_unfinished(folder.names(), 0);
  ASSERT_TRUE(samples);
  EXPECT_EQ(samples->places(), std::vector<int64_t>{2});
  std::filesystem::resize_file(folder.names().tar(0), 3000);
  EXPECT_FALSE(KeptTars().open_unfinished(folder.names(), 0));
}

TEST_F(TarSinks, KeepNothingOfADamagedTar) {
  const JobFolder folder = job("job");
  write(folder, {0, 2});
  std::filesystem::resize_file(folder.names().tar(0), 1000);
  EXPECT_FALSE(KeptTars().open(folder.names(), 0));
  std::filesystem::remove(folder.names().tar(0));
  EXPECT_FALSE(KeptTars().open(folder.names(), 0));
  EXPECT_FALSE(KeptTars().open(folder.names(), 1));
}

}  // namespace
}  // namespace sd::test
