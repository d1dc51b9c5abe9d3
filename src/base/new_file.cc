#include "base/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "base/descriptor.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr size_t kPendingBytes = size_t{1} << 20;

[[noreturn]] void refuse_to_write(const std::filesystem::path& path, int error) {
  const char* hint = "";
  if (error == ENOSPC || error == EDQUOT) hint = "make room on the disk, or choose another folder";
  if (error == EFBIG) hint = "raise the limit of how large a file may be (ulimit -f)";
  if (error == ENOENT) hint = "the folder does not exist";
  if (error == EACCES || error == EROFS) hint = "choose a folder that you may write to";
  if (error == ENXIO) hint = "nobody reads from it; start the reader first, or give a file's name";
  throw Error(
      ErrorKind::kFile,
      printable(path.string(), std::string::npos) + ": cannot be written: " + std::strerror(error),
      hint);
}

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse_to_write(path, errno);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

/// Whether no file may take the place of what has the name: devices, pipes, sockets, and all that
/// stands in /dev and /proc, like /dev/stdout, a link to what may be a regular file.
bool must_stay(const std::filesystem::path& path) {
  struct stat about = {};
  if (::stat(path.c_str(), &about) != 0 || S_ISDIR(about.st_mode)) return false;
  if (!S_ISREG(about.st_mode)) return true;
  const std::filesystem::path parent = path.parent_path();
  std::error_code ignored;
  const std::string folder =
      std::filesystem::canonical(parent.empty() ? "." : parent, ignored).string();
  return folder == "/dev" || folder.starts_with("/proc/");
}

/// To a device or pipe. One that nobody reads from is not waited for.
void write_into(const std::filesystem::path& path, std::string_view bytes) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0 || ::fcntl(file.get(), F_SETFL, O_APPEND) != 0) refuse_to_write(path, errno);
  write_all(file.get(), bytes, path);
}

/// What dead processes left in the folder goes; that is looked for once.
void clean_once(const std::filesystem::path& folder) {
  static std::mutex mutex;
  static std::set<std::filesystem::path> cleaned;
  const std::lock_guard lock(mutex);
  if (cleaned.insert(folder).second) remove_leftovers(folder);
}

}  // namespace

bool name_is_taken(const std::filesystem::path& path) {
  struct stat about = {};
  return ::lstat(path.c_str(), &about) == 0;
}

bool is_written(const std::filesystem::path& path) {
  struct stat about = {};
  if (::lstat(path.c_str(), &about) != 0) return false;
  return !S_ISREG(about.st_mode) || about.st_size > 0;
}

bool on_one_file_system(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat of_a = {}, of_b = {};
  if (::stat(a.c_str(), &of_a) != 0 || ::stat(b.c_str(), &of_b) != 0) return true;
  return of_a.st_dev == of_b.st_dev;
}

NewFile::NewFile(std::filesystem::path path, const std::filesystem::path& folder)
    : path_(std::move(path)), file_(folder) {
  if (file_.descriptor() < 0) refuse_to_write(path_, errno);
  clean_once(folder);
}

void NewFile::write(std::string_view bytes) {
  position_ += bytes.size();
  pending_ += bytes;
  if (pending_.size() >= kPendingBytes) flush();
}

void NewFile::flush() {
  write_all(file_.descriptor(), pending_, path_);
  pending_.clear();
}

void NewFile::complete() {
  flush();
  if (::fsync(file_.descriptor()) != 0 && errno != EINVAL) refuse_to_write(path_, errno);
  // Some file systems report a full disk only when a file is closed. (The lock stays.)
  const int copy = ::dup(file_.descriptor());
  if (copy >= 0 && ::close(copy) != 0) refuse_to_write(path_, errno);
}

bool NewFile::take_name() {
  if (file_.take_name(path_)) return true;
  if (errno != EEXIST) refuse_to_write(path_, errno);
  return false;
}

void NewFile::take_name_over() {
  if (must_stay(path_)) {
    throw Error(ErrorKind::kFile,
                printable(path_.string(), std::string::npos) +
                    ": expected a regular file or none there, found a device or pipe",
                "give another name");
  }
  if (!file_.take_name_over(path_)) refuse_to_write(path_, errno);
}

bool NewFile::finish() {
  complete();
  return take_name();
}

void NewFile::finish_over() {
  complete();
  take_name_over();
}

void write_over(const std::filesystem::path& path, std::string_view bytes) {
  if (must_stay(path)) return write_into(path, bytes);
  NewFile file(path);
  file.write(bytes);
  file.finish_over();
}

void make_folders(const std::filesystem::path& folder, const char* hint) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return;
  throw Error(ErrorKind::kFile,
              "the folder " + printable(folder.string()) + " cannot be made: " + error.message(),
              hint);
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() >= 0) ::fsync(file.get());
}

}  // namespace sd
