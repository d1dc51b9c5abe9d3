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
  if (file_.descriptor() < 0) fail(errno);
  clean_once(folder);
}

void NewFile::write(std::string_view bytes) {
  position_ += bytes.size();
  pending_ += bytes;
  if (pending_.size() >= kPendingBytes) flush();
}

void NewFile::flush() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t count = ::write(file_.descriptor(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    rest.remove_prefix(static_cast<size_t>(count));
  }
  pending_.clear();
}

void NewFile::complete() {
  flush();
  if (::fsync(file_.descriptor()) != 0 && errno != EINVAL) fail(errno);
  // Some file systems report a full disk only when a file is closed. (The lock stays.)
  const int copy = ::dup(file_.descriptor());
  if (copy >= 0 && ::close(copy) != 0) fail(errno);
}

bool NewFile::take_name() {
  if (file_.take_name(path_)) return true;
  if (errno != EEXIST) fail(errno);
  return false;
}

void NewFile::take_name_over() {
  if (!file_.take_name_over(path_)) fail(errno);
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

void NewFile::fail(int error) const {
  const char* hint = "";
  if (error == ENOSPC || error == EDQUOT) hint = "make room on the disk, or choose another folder";
  if (error == EFBIG) hint = "raise the limit of how large a file may be (ulimit -f)";
  if (error == ENOENT) hint = "the folder does not exist";
  if (error == EACCES || error == EROFS) hint = "choose a folder that you may write to";
  const std::string path = path_.string();
  throw Error(ErrorKind::kFile,
              printable(path, std::string::npos) + ": cannot be written: " + std::strerror(error),
              hint);
}

}  // namespace sd
