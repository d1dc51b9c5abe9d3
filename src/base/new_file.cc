#include "base/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr size_t kBuffer = size_t{1} << 20;

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

bool name_is_taken(const std::filesystem::path& path) {
  struct stat about = {};
  return ::lstat(path.c_str(), &about) == 0;
}

NewFile::NewFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_name(path_)) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  descriptor_ = ::open(temporary_.c_str(), kFlags, 0666);
  if (descriptor_ >= 0) return;
  temporary_.clear();  // not ours, if it is there
  fail(errno);
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void NewFile::write(std::string_view bytes) {
  position_ += bytes.size();
  pending_ += bytes;
  if (pending_.size() >= kBuffer) flush();
}

void NewFile::flush() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    rest.remove_prefix(static_cast<size_t>(count));
  }
  pending_.clear();
}

void NewFile::close() {
  flush();
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(errno);
  // Some file systems report a full disk only now.
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
}

bool NewFile::finish() {
  close();
  if (!rename_new(temporary_, path_)) {
    if (errno == EEXIST) return false;
    fail(errno);
  }
  temporary_.clear();
  return true;
}

void NewFile::finish_over() {
  close();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

void NewFile::fail(int error) const {
  const char* hint = "";
  if (error == ENOSPC || error == EDQUOT) hint = "make room on the disk, or choose another folder";
  if (error == ENOENT) hint = "the folder does not exist";
  if (error == EACCES || error == EROFS) hint = "choose a folder that you may write to";
  const std::string path = path_.string();
  throw Error(ErrorKind::kFile,
              printable(path, std::string::npos) + ": cannot be written: " + std::strerror(error),
              hint);
}

}  // namespace sd
