// Files that appear when they are complete, and what is left of those that never were.

#include "base/new_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "base/descriptor.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;
using Until = TemporaryFile::Until;

/// The names in a folder, sorted.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Another process that does `work` and then waits to be killed.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      work();
      if (write(ready[1], "x", 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void end() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

TEST(TemporaryFile, GetsItsNameOnlyWhereThereIsNone) {
  for (const Until until : {Until::kNameless, Until::kRandomName}) {
    const TempFolder folder;
    TemporaryFile first(folder.path(), until);
    TemporaryFile second(folder.path(), until);
    ASSERT_GE(first.descriptor(), 0);
    ASSERT_GE(second.descriptor(), 0);
    EXPECT_EQ(write(first.descriptor(), "one", 3), 3);
    EXPECT_TRUE(first.take_name(folder / "a"));
    EXPECT_FALSE(second.take_name(folder / "a"));
    EXPECT_EQ(errno, EEXIST);
    EXPECT_EQ(fs::file_size(folder / "a"), 3U);
    EXPECT_TRUE(second.take_name_over(folder / "a"));
    EXPECT_EQ(fs::file_size(folder / "a"), 0U);
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
  }
}

TEST(TemporaryFile, LeavesNothingWithoutAName) {
  for (const Until until : {Until::kNameless, Until::kRandomName}) {
    const TempFolder folder;
    { const TemporaryFile file(folder.path(), until); }
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>());
  }
}

TEST(TemporaryFile, HasTheModeThatAnyNewFileHas) {
  for (const Until until : {Until::kNameless, Until::kRandomName}) {
    const TempFolder folder;
    const mode_t mask = umask(027);
    TemporaryFile file(folder.path(), until);
    umask(mask);
    ASSERT_TRUE(file.take_name(folder / "a"));
    struct stat about = {};
    ASSERT_EQ(stat((folder / "a").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0640U);
  }
}

TEST(TemporaryFile, OfADeadProcessIsRemovedAndOfALivingOneKept) {
  const TempFolder folder;
  const auto open_one = [&] { new TemporaryFile(folder.path(), Until::kRandomName); };
  Child lives(open_one);
  const auto kept = names_in(folder.path());
  ASSERT_EQ(kept.size(), 1U);
  {
    Child dies(open_one);
    EXPECT_EQ(names_in(folder.path()).size(), 2U);
  }
  remove_leftovers(folder.path());
  EXPECT_EQ(names_in(folder.path()), kept);
  lives.end();
  remove_leftovers(folder.path());
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>());
}

TEST(TemporaryFile, OnlyFilesOfTheirNamesAreRemoved) {
  const TempFolder folder;
  folder.write(".sd-1-3.tmp", "of an earlier version");
  folder.write(".sd-notes.tmp", "somebody's");
  folder.write(".sd-.tmp", "");
  folder.write("sd-1-1.tmp", "");
  folder.write("target", "");
  fs::create_directory(folder / ".sd-2-1.tmp");
  fs::create_symlink("target", folder / ".sd-2-2.tmp");
  ASSERT_EQ(mkfifo((folder / ".sd-2-3.tmp").c_str(), 0600), 0);
  remove_leftovers(folder.path());
  EXPECT_EQ(names_in(folder.path()),
            (std::vector<std::string>{".sd-.tmp", ".sd-2-1.tmp", ".sd-2-2.tmp", ".sd-2-3.tmp",
                                      ".sd-notes.tmp", "sd-1-1.tmp", "target"}));
}

TEST(NewFile, RemovesWhatADeadProcessLeft) {
  const TempFolder folder;
  {
    Child dies([&] { new TemporaryFile(folder.path(), Until::kRandomName); });
  }
  EXPECT_EQ(names_in(folder.path()).size(), 1U);
  NewFile file(folder / "a");
  file.write("text");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>());
  EXPECT_TRUE(file.finish());
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(NewFile, LeavesNothingOfAProcessThatIsKilled) {
  const TempFolder folder;
  {
    Child dies([&] {
      NewFile* file = new NewFile(folder / "a");
      file->write(std::string(size_t{3} << 20, 'x'));
    });
  }
  remove_leftovers(folder.path());
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>());
}

TEST(WriteOver, PutsAWholeFileInThePlaceOfAnother) {
  const TempFolder folder;
  const fs::path path = folder.write("a", "before, and longer");
  write_over(path, "after");
  EXPECT_EQ(fs::file_size(path), 5U);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
  EXPECT_THROW(write_over(folder / "absent/b", "x"), std::exception);
}

mode_t kind_of(const fs::path& path) {
  struct stat about = {};
  return ::lstat(path.c_str(), &about) == 0 ? about.st_mode & S_IFMT : 0;
}

TEST(WriteOver, WritesIntoAPipeThatIsReadAndLeavesItThere) {
  const TempFolder folder;
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error(ErrorKind::kFile, "cannot be written", [&] { write_over(pipe, "nobody reads"); });
  const Descriptor reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_GE(reader.get(), 0);
  write_over(pipe, "text");
  std::array<char, 10> bytes = {};
  EXPECT_EQ(::read(reader.get(), bytes.data(), bytes.size()), 4);
  EXPECT_STREQ(bytes.data(), "text");
  EXPECT_EQ(kind_of(pipe), static_cast<mode_t>(S_IFIFO));
}

TEST(WriteOver, NoFileTakesThePlaceOfAPipeOrOfALinkToADevice) {
  const TempFolder folder;
  const fs::path pipe = folder / "pipe", link = folder / "link";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("/dev/null", link);
  for (const fs::path& path : {pipe, link}) {
    NewFile file(path);
    file.write("x");
    expect_error(ErrorKind::kFile, "found a device or pipe", [&] { file.finish_over(); });
  }
  write_over(link, "x");
  EXPECT_EQ(kind_of(pipe), static_cast<mode_t>(S_IFIFO));
  EXPECT_EQ(kind_of(link), static_cast<mode_t>(S_IFLNK));
}

TEST(WriteOver, AppendsToAFileThatIsNamedByItsDescriptor) {
  const TempFolder folder;
  const fs::path path = folder.write("a", "before ");
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  write_over("/dev/fd/" + std::to_string(file.get()), "after");
  EXPECT_EQ(fs::file_size(path), 12U);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace sd::test
