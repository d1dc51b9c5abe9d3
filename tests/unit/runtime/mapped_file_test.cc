#include "runtime/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"

namespace sd {
namespace {

using test::expect_error;
using test::TempFile;

TEST(MappedFile, ShowsTheBytesAndOutlivesTheName) {
  std::shared_ptr<const MappedFile> file;
  {
    const TempFile temp("some bytes");
    file = MappedFile::open(temp.path());
  }
  EXPECT_EQ(file->size(), 10U);
  EXPECT_EQ(file->bytes(), "some bytes");
}

TEST(MappedFile, FollowsALink) {
  const TempFile temp("x");
  const std::string link = temp.path() + ".link";
  std::filesystem::create_symlink(temp.path(), link);
  EXPECT_EQ(MappedFile::open(link)->bytes(), "x");
  std::filesystem::remove(link);
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const auto refuses = [](const std::string& path, const char* part) {
    expect_error(ErrorKind::kFile, part, [&] { MappedFile::open(path); });
  };
  const std::string folder = std::filesystem::temp_directory_path().string();
  refuses(folder, "found a folder");
  refuses(folder + "/there/is/no/such/file", "found none");
  refuses("/dev/null", "found a device");
  const TempFile empty("");
  refuses(empty.path(), "found an empty file");
  refuses(empty.path() + "/below", "found none");
  const std::string pipe = empty.path() + ".pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  refuses(pipe, "found a pipe");  // without waiting for a writer
  std::filesystem::remove(pipe);
}

TEST(MappedFile, NamesAMissingPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TempFile temp("x");
  ::chmod(temp.path().c_str(), 0);
  expect_error(ErrorKind::kFile, "cannot read", [&] { MappedFile::open(temp.path()); });
}

std::string megabyte() { return std::string(size_t{1} << 20, 'x'); }

TEST(MappedFile, ReadsReleasedPagesAgain) {
  const TempFile temp(megabyte());
  const auto file = MappedFile::open(temp.path());
  EXPECT_EQ(file->bytes(), megabyte());
  release_pages(file->data(), file->size());
  EXPECT_EQ(file->bytes(), megabyte());
  release_pages(file->data() + 1000,
                file->size());  // more than there is, from the middle of a page
  EXPECT_EQ(file->bytes(), megabyte());
}

TEST(MappedFile, LeavesMemoryOfAnotherKindAlone) {
  const TempFile temp("x");
  const auto file = MappedFile::open(temp.path());
  const std::string memory = megabyte();
  release_pages(memory.data(), memory.size());
  EXPECT_EQ(memory, megabyte());
  release_pages(nullptr, 0);
}

}  // namespace
}  // namespace sd
