#include "image/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

/// An open file that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  /// 0, or -1 with errno: some file systems report a full disk only now.
  int close() {
    const int fd = fd_;
    fd_ = -1;
    return fd < 0 ? 0 : ::close(fd);
  }

 private:
  int fd_;
};

/// A temporary file that is removed unless it was renamed.
struct TemporaryName {
  std::filesystem::path path;
  ~TemporaryName() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

[[noreturn]] void throw_errno(const std::filesystem::path& path, const char* what, int error,
                              const char* hint = "") {
  throw Error(ErrorKind::kFile, format("%s: %s: %s", path.c_str(), what, std::strerror(error)),
              hint);
}

[[noreturn]] void throw_unwritable(const std::filesystem::path& path, int error) {
  const char* hint = "";
  if (error == ENOSPC || error == EDQUOT) hint = "make room on the disk, or choose another folder";
  if (error == ENOENT) hint = "the folder does not exist";
  if (error == EACCES || error == EROFS) hint = "choose a folder that you may write to";
  throw_errno(path, "cannot be written", error, hint);
}

void write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_unwritable(path, errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

/// A name in the folder of `path` that no other process or call takes.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter{0};
  return path.parent_path() / format(".sd-%ld-%u.tmp", static_cast<long>(::getpid()), ++counter);
}

/// Where the file system knows neither an exclusive rename nor links: take the name with an empty
/// file first, then put ours in its place.
bool rename_over_own(const std::filesystem::path& from, const std::filesystem::path& to) {
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return false;
  ::close(fd);
  if (::rename(from.c_str(), to.c_str()) == 0) return true;
  const int error = errno;
  ::unlink(to.c_str());
  errno = error;
  return false;
}

/// Gives `from` the name `to` unless that is taken: false with errno, EEXIST among them.
bool rename_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  if (errno == EEXIST) return false;
  return rename_over_own(from, to);
}

}  // namespace

std::vector<uint8_t> read_file_bytes(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw_errno(path, "cannot be opened", errno);
  constexpr size_t kStep = size_t{1} << 20;
  struct stat about = {};
  size_t expected = 0;
  if (::fstat(file.get(), &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
    expected = static_cast<size_t>(about.st_size);
  }
  std::vector<uint8_t> bytes;
  size_t size = 0;
  while (size <= kMaxFileBytes && expected <= kMaxFileBytes) {
    bytes.resize(size < expected ? expected + 1 : size + kStep);
    const ssize_t count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(path, "cannot be read", errno);
    size += static_cast<size_t>(count);
    if (count > 0) continue;
    bytes.resize(size);
    return bytes;
  }
  throw Error(ErrorKind::kFile, format("%s: larger than %s, the most that a picture may be",
                                       path.c_str(), human_bytes(kMaxFileBytes).c_str()));
}

WriteOutcome write_new_file(const std::filesystem::path& path, std::string_view bytes) {
  struct stat about = {};
  if (::lstat(path.c_str(), &about) == 0) return WriteOutcome::kExists;
  TemporaryName temporary{temporary_name(path)};
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  Descriptor file(::open(temporary.path.c_str(), kFlags, 0666));
  if (file.get() < 0) {
    const int error = errno;
    temporary.path.clear();  // not ours, if it is there
    throw_unwritable(path, error);
  }
  write_all(file.get(), bytes, path);
  if (::fsync(file.get()) != 0 && errno != EINVAL) throw_unwritable(path, errno);
  if (file.close() != 0) throw_unwritable(path, errno);
  if (!rename_new(temporary.path, path)) {
    if (errno == EEXIST) return WriteOutcome::kExists;
    throw_unwritable(path, errno);
  }
  temporary.path.clear();
  return WriteOutcome::kWritten;
}

}  // namespace sd
