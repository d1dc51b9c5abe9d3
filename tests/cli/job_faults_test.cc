// Jobs on file systems that cannot do everything, or fail: what is there is whole, and goes on.

#include <cerrno>
#include <chrono>

#include "cli/job_run.h"
#include "support/variable.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;

std::string fails(const char* call, int which, int error) {
  return std::string(call) + ":" + std::to_string(which) + ":" + std::to_string(error);
}

class JobFaults : public JobRun {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer must be loaded before any other library";
#endif
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer has calls of its own";
#endif
    JobRun::SetUp();
    write_prompts(6);  // three batches
  }

  /// Draws a job while calls fail; then again, without. Whatever happened, it ends whole.
  void draw_with(const std::string& faults, int exit_code, const Words& more = {}) {
    SCOPED_TRACE(faults);
    const std::string folder = "job" + std::to_string(number_++);
    const std::string path = (out_ / folder).string();
    {
      const Variable library("LD_PRELOAD", SD_FAILING_CALLS), which("SD_FAILS", faults),
          below("SD_FAILS_BELOW", path);
      const Finished run = draw(path, more);
      EXPECT_EQ(run.exit_code, exit_code) << run.err;
      EXPECT_EQ(run.err.find("bug"), std::string::npos) << run.err;
    }
    if (fs::exists(out_ / folder)) {
      for (const auto& [name, bytes] : files(folder)) {
        EXPECT_NE(name.front(), '.') << name;
        const bool is_whole = expected_.contains(name) && expected_.at(name) == bytes;
        // (A tar without statistics grows with the next run.)
        EXPECT_TRUE(is_whole || name.ends_with(".tar")) << name;
      }
    }
    const Finished again = draw(path, more);
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(files(folder), expected_);
  }

  void expect(const Words& more = {}) {
    ASSERT_EQ(draw("expected", more).exit_code, 0);
    expected_ = files("expected");
  }

  std::map<std::string, std::string> expected_;
  int number_ = 0;
};

TEST_F(JobFaults, AreDrawnWhereFilesAlwaysHaveNames) {
  expect();
  const std::string named = fails("tmpfile", 0, EOPNOTSUPP);
  draw_with(named, 0);
  draw_with(named + "," + fails("flock", 0, ENOLCK), 0);
  const std::string plain = named + "," + fails("renameat2", 0, EINVAL);
  draw_with(plain, 0);
  draw_with(plain + "," + fails("link", 0, EPERM), 0);
}

TEST_F(JobFaults, AreRidOfOldFilesWhereNothingCanBeLocked) {
  const std::string path = (out_ / "job").string();
  const fs::path old = out_.write("job/.sd-0123.tmp", "half a picture");
  out_.write("job/.sd-1123.tmp", "half a picture");
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(48));
  {
    const Variable library("LD_PRELOAD", SD_FAILING_CALLS),
        which("SD_FAILS", fails("flock", 0, ENOLCK)), below("SD_FAILS_BELOW", path);
    EXPECT_EQ(draw(path).exit_code, 0);
  }
  EXPECT_FALSE(fs::exists(out_ / "job/.sd-0123.tmp"));
  EXPECT_TRUE(fs::exists(out_ / "job/.sd-1123.tmp"));  // its process may be alive
}

TEST_F(JobFaults, EndWholeWhereTheDiskIsFullOrFaulty) {
  expect();
  draw_with(fails("write", 1, ENOSPC), 3);  // job.json
  draw_with(fails("write", 4, ENOSPC), 3);
  draw_with(fails("fsync", 4, EIO), 3);
  draw_with(fails("linkat", 4, ENOSPC), 3);
  draw_with(fails("mkdir", 2, ENOSPC), 3);
}

TEST_F(JobFaults, EndWholeInTarsToo) {
  const Words tar = {"--sink", "tar", "--block", "2"};
  expect(tar);
  ASSERT_EQ(names(expected_),
            (Words{"00000.json", "00000.tar", "00001.json", "00001.tar", "job.json"}));
  draw_with(fails("write", 2, ENOSPC), 3, tar);
  draw_with(fails("rename", 1, EIO), 3, tar);  // of the tar
  draw_with(fails("rename", 2, EIO), 3, tar);  // of its statistics
  draw_with(fails("flock", 0, ENOLCK), 0, tar);
}

TEST_F(JobFaults, AreNotPartedWhereTheirFolderIsMoved) {
  write_prompts(4000);
  const std::string path = (out_ / "job").string();
  const Words more = {"--ckpt", checkpoint(), "--from-file", (out_ / "prompts.txt").string()};
  Program program(words(path, more));
  ASSERT_TRUE(program.wait_for_line()) << program.err();
  fs::rename(path, out_ / "moved");
  EXPECT_EQ(program.wait(), 3) << program.err();
  EXPECT_NE(program.err().find("is no longer there"), std::string::npos) << program.err();
  EXPECT_FALSE(fs::exists(path));
  const Finished on = draw("moved", {"--time-limit", "1"});
  EXPECT_EQ(on.exit_code, 75) << on.err;
}

TEST_F(JobFaults, AreDrawnThroughALink) {
  fs::create_directories(out_ / "real");
  fs::create_directory_symlink("real", out_ / "job");
  EXPECT_EQ(draw("job").exit_code, 0);
  expect();
  EXPECT_EQ(files("real"), expected_);
}

}  // namespace
}  // namespace sd::test
