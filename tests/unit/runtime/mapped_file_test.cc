#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "support/checkpoint_writer.h"
#include "support/exit_after.h"
#include "support/expect_error.h"

namespace sd {
using namespace runtime;

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

/// In a process of its own: it ends with the error's exit code.
template <class Read>
[[noreturn]] void read_a_cut_file(off_t bytes, const Read& read) {
  const TempFile temp(megabyte());
  auto file = MappedFile::open(temp.path());
  if (::truncate(temp.path().c_str(), bytes) != 0) std::_Exit(99);
  read(*file);
  file.reset();  // what was cut is told of a closed file, too
  test::exit_after([] {
    throw_if_cut();
    std::_Exit(98);
  });
}

int64_t sum_of(const MappedFile& file) {
  int64_t sum = 0;
  for (const char c : file.bytes()) sum += c;
  return sum;
}

TEST(MappedFileDeathTest, ReadsZerosWhereItsFileWasCutAndTells) {
  EXPECT_EXIT(read_a_cut_file(5000,
                              [](const MappedFile& file) {
                                if (sum_of(file) != 5000 * 'x') std::_Exit(97);
                                if (sum_of(file) != 5000 * 'x') std::_Exit(96);
                              }),
              ::testing::ExitedWithCode(3), "expected 1048576 bytes in .*, found 5000");
  EXPECT_EXIT(read_a_cut_file(0,
                              [](const MappedFile& file) {
                                if (sum_of(file) != 0) std::_Exit(97);
                              }),
              ::testing::ExitedWithCode(3), "found 0");
}

TEST(MappedFileDeathTest, TellsOfACutThatNoReadMet) {
  EXPECT_EXIT(read_a_cut_file((1 << 20) - 10, [](const MappedFile&) {}),
              ::testing::ExitedWithCode(3), "found 1048566");
}

TEST(MappedFileDeathTest, ReadsOfSeveralThreadsMeetZeros) {
  EXPECT_EXIT(read_a_cut_file(4096,
                              [](const MappedFile& file) {
                                std::vector<std::thread> threads;
                                for (int i = 0; i < 8; ++i) {
                                  threads.emplace_back([&file] {
                                    if (sum_of(file) != 4096 * 'x') std::_Exit(97);
                                  });
                                }
                                for (std::thread& thread : threads) thread.join();
                              }),
              ::testing::ExitedWithCode(3), "found 4096");
}

[[noreturn]] void read_anothers_cut_file() {
  const TempFile temp(megabyte());
  const auto ours = MappedFile::open(temp.path());
  const int descriptor = ::open(temp.path().c_str(), O_RDONLY);
  const auto* theirs = static_cast<const volatile char*>(
      ::mmap(nullptr, 1 << 20, PROT_READ, MAP_SHARED, descriptor, 0));
  if (::truncate(temp.path().c_str(), 0) != 0) std::_Exit(99);
  std::_Exit(theirs[0]);
}

TEST(MappedFileDeathTest, ABusErrorElsewhereStaysOne) {
  EXPECT_EXIT(read_anothers_cut_file(), ::testing::KilledBySignal(SIGBUS), "");
}

TEST(MappedFile, NoRoomForItIsALackOfMemory) {
  const TempFile temp(megabyte());
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  if (before.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "the address space is limited already";
  const struct rlimit tight = {1 << 20, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &tight), 0);
  std::optional<ErrorKind> kind;
  try {
    MappedFile::open(temp.path());
  } catch (const Error& error) {
    kind = error.kind();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(kind, ErrorKind::kDevice);
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
