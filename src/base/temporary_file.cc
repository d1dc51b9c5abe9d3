#include "base/temporary_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <string>
#include <utility>

#include "base/descriptor.h"
#include "base/file_lock.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = ".sd-";
constexpr std::string_view kSuffix = ".tmp";
constexpr int kAttempts = 100;

fs::path random_name(const fs::path& folder) {
  uint64_t number = 0;
  if (::getrandom(&number, sizeof(number), 0) != sizeof(number)) {
    number = static_cast<uint64_t>(::getpid()) << 32 ^ static_cast<uint64_t>(::clock());
  }
  return folder / (std::string(kPrefix) + fmt::format("{:016x}", number) + std::string(kSuffix));
}

/// A name of `random_name`, or of earlier versions: ".sd-PROCESS-COUNT.tmp".
bool is_temporary_name(const std::string& name) {
  if (name.size() <= kPrefix.size() + kSuffix.size()) return false;
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
  const auto end = name.end() - static_cast<std::ptrdiff_t>(kSuffix.size());
  return std::all_of(name.begin() + static_cast<std::ptrdiff_t>(kPrefix.size()), end, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
  });
}

/// Whether another machine that uses the file system, too, would see our locks.
bool locks_reach_everyone(int fd) {
  constexpr std::array<unsigned long, 8> kKnown = {
      EXT4_SUPER_MAGIC,      XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
      OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, NFS_SUPER_MAGIC,   0x2fc12fc1 /* ZFS */};
  struct statfs about = {};
  return ::fstatfs(fd, &about) == 0 &&
         std::count(kKnown.begin(), kKnown.end(), static_cast<unsigned long>(about.f_type)) > 0;
}

/// Whether the process that made the file has ended; where locks do not tell, its age does. While
/// `fd` is open the file is locked.
bool is_left_over(int fd) {
  constexpr time_t kDay = 86400;  // seconds
  struct stat about = {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (!locked && errno == EWOULDBLOCK) return false;
  return (locked && locks_reach_everyone(fd)) || about.st_mtime < ::time(nullptr) - kDay;
}

/// Where the file system knows neither an exclusive rename nor links: take the name with an empty
/// file first, then put ours in its place.
bool rename_over_own(const fs::path& from, const fs::path& to) {
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
bool rename_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  if (errno == EEXIST) return false;
  return rename_over_own(from, to);
}

std::string path_of(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

}  // namespace

TemporaryFile::TemporaryFile(fs::path folder, Until wanted)
    : folder_(folder.empty() ? fs::path(".") : std::move(folder)) {
  if (wanted == Until::kNameless && open_nameless()) return;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (open_named() || errno != EEXIST) return;
  }
}

TemporaryFile::~TemporaryFile() {
  if (!name_.empty()) ::unlink(name_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool TemporaryFile::open_nameless() {
  descriptor_ = ::open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor_ < 0) return false;
  // It will get its name through /proc.
  if (::access(path_of(descriptor_).c_str(), F_OK) == 0) {
    ::flock(descriptor_, LOCK_EX | LOCK_NB);  // for `take_name_over`
    return true;
  }
  ::close(std::exchange(descriptor_, -1));
  return false;
}

/// Fails with EEXIST where the name is taken or was lost before the file was locked.
bool TemporaryFile::open_named() {
  const fs::path name = random_name(folder_);
  descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) return false;
  const bool contested = ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  struct stat about = {};
  if (!contested && ::fstat(descriptor_, &about) == 0 && about.st_nlink > 0) {
    name_ = name;
    return true;
  }
  ::close(std::exchange(descriptor_, -1));
  errno = EEXIST;
  return false;
}

bool TemporaryFile::link_to(const fs::path& name) const {
  return ::linkat(AT_FDCWD, path_of(descriptor_).c_str(), AT_FDCWD, name.c_str(),
                  AT_SYMLINK_FOLLOW) == 0;
}

bool TemporaryFile::take_name(const fs::path& name) {
  const bool done = name_.empty() ? link_to(name) : rename_new(name_, name);
  if (done) name_.clear();
  return done;
}

bool TemporaryFile::take_name_over(const fs::path& name) {
  for (int attempt = 0; name_.empty() && attempt < kAttempts; ++attempt) {
    const fs::path between = random_name(folder_);
    if (link_to(between)) {
      name_ = between;
    } else if (errno != EEXIST) {
      return false;
    }
  }
  if (name_.empty() || ::rename(name_.c_str(), name.c_str()) != 0) return false;
  name_.clear();
  return true;
}

void remove_leftovers(const fs::path& folder) {
  const fs::path in = folder.empty() ? fs::path(".") : folder;
  std::error_code ignored;
  for (fs::directory_iterator entry(in, ignored), end; entry != end; entry.increment(ignored)) {
    if (!is_temporary_name(entry->path().filename().string())) continue;
    // Without O_NONBLOCK the opening of a pipe would wait for its writer.
    const Descriptor file = open_to_lock(entry->path(), O_NOFOLLOW | O_NONBLOCK);
    if (file.get() >= 0 && is_left_over(file.get())) ::unlink(entry->path().c_str());
  }
}

}  // namespace sd
