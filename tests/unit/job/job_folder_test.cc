// What is in the folder of a job, and how files come into it.

#include "job/job_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "job/job_sheet.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
using namespace job;

namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder on another file system than the tests' own, or an empty path.
class OtherDisk {
 public:
  explicit OtherDisk(const fs::path& here) {
    std::string name = "/dev/shm/sd-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return;
    path_ = name;
    if (!on_one_file_system(here, path_)) return;
    remove();
  }
  ~OtherDisk() { remove(); }
  OtherDisk(const OtherDisk&) = delete;
  OtherDisk& operator=(const OtherDisk&) = delete;
  const fs::path& path() const { return path_; }

 private:
  void remove() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
    path_.clear();
  }
  fs::path path_;
};

TEST(JobFolderFiles, KeepTheNameThatIsTakenButByAnEmptyFile) {
  const TempFolder temp;
  const JobFolder folder({temp / "job", 3, PictureFormat::kPng});
  const fs::path path = folder.names().picture(1);
  EXPECT_TRUE(folder.write(path, "one"));
  EXPECT_FALSE(folder.write(path, "two"));
  EXPECT_EQ(bytes_of(path), "one");
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_FALSE(folder.is_drawn(1));
  EXPECT_TRUE(folder.write(path, "three"));
  EXPECT_TRUE(folder.is_drawn(1));
  EXPECT_EQ(bytes_of(path), "three");
}

TEST(JobFolderFiles, AreWrittenWhereThePicturesLieOnAnotherDisk) {
  const TempFolder temp;
  const OtherDisk other(temp.path());
  if (other.path().empty()) GTEST_SKIP() << "/dev/shm is no other file system";
  const JobFolder folder({temp / "job", 3, PictureFormat::kPng});
  for (const char* part : {"samples", "failed"}) {
    fs::create_directories(temp / "job");
    fs::create_directory(other.path() / part);
    fs::create_directory_symlink(other.path() / part, temp / (std::string("job/") + part));
  }
  EXPECT_TRUE(folder.write(folder.names().picture(1), "a picture"));
  folder.fail(2, 3, "no memory");
  EXPECT_EQ(bytes_of(other.path() / "samples/000001.png"), "a picture");
  EXPECT_EQ(folder.failures(2), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(other.path() / "samples"), {}), 1);
}

TEST(JobFolderFiles, BeginAJobWhereNoPictureIs) {
  const TempFolder temp;
  const JobFolder folder({temp / "job", 3, PictureFormat::kPng});
  fs::create_directories(temp / "job/samples");
  const nlohmann::json sheet = {{"program", "sd"}};
  join_job(folder, sheet);
  EXPECT_TRUE(fs::exists(folder.names().sheet()));
  const JobFolder foreign({temp / "foreign", 3, PictureFormat::kPng});
  foreign.write(foreign.names().picture(0), "a picture");
  expect_error(ErrorKind::kUsage, "has pictures, but no job.json",
               [&] { join_job(foreign, sheet); });
}

}  // namespace
}  // namespace sd::test
