#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <system_error>

#include "base/strings.h"

namespace sd::runtime {
namespace {

/// The mapped files of this process, and the first damage of one that is closed.
struct OpenFiles {
  std::mutex mutex;
  std::set<const MappedFile*> files;
  std::optional<Error> damage;
};

OpenFiles& open_files() {
  static OpenFiles* all = new OpenFiles;  // never destroyed: a file may be closed after main
  return *all;
}

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

std::string reason(int error) { return std::generic_category().message(error); }

Error cannot_open(const std::string& path, int error) {
  const std::string shown = printable(path);
  if (error == ENOENT || error == ENOTDIR) {
    return Error(ErrorKind::kFile, "expected a file at " + shown + ", found none",
                 "check the spelling of the path and the folder it starts from");
  }
  return Error(ErrorKind::kFile, "cannot read " + shown + ": " + reason(error),
               error == EACCES ? "ask for read permission on the file" : "");
}

Error cannot_map(const std::string& path, size_t size, int error) {
  const std::string shown = printable(path);
  if (error != ENOMEM) {
    return Error(ErrorKind::kFile, "cannot map " + shown + " into memory: " + reason(error));
  }
  return Error(ErrorKind::kDevice,
               "out of memory: no room for the " + human_bytes(size) + " of " + shown,
               "a limit on address space (ulimit -v) must leave room for the whole file");
}

/// What stands at a path that is no regular file.
const char* describe(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  // Without O_NONBLOCK the opening of a pipe would wait for its writer.
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) throw cannot_open(path, errno);
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) throw cannot_open(path, errno);
  const std::string shown = printable(path);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kFile,
                "expected a regular file at " + shown + ", found " + describe(status.st_mode),
                "give the path of the file itself");
  }
  if (status.st_size == 0) {
    throw Error(ErrorKind::kFile, "expected data in " + shown + ", found an empty file",
                "fetch or copy the file again");
  }
  const auto size = static_cast<size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) throw cannot_map(path, size, errno);
  return std::shared_ptr<const MappedFile>(
      new MappedFile(path, fd.release(), static_cast<const std::byte*>(data), size));
}

MappedFile::MappedFile(std::string path, int descriptor, const std::byte* data, size_t size)
    : path_(std::move(path)),
      descriptor_(descriptor),
      data_(data),
      size_(size),
      range_(data, size) {
  const std::lock_guard lock(open_files().mutex);
  open_files().files.insert(this);
}

MappedFile::~MappedFile() {
  const std::lock_guard lock(open_files().mutex);
  open_files().files.erase(this);
  if (!open_files().damage) open_files().damage = damage();
  // munmap takes a pointer to non-const; the pages are not written.
  ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string_view MappedFile::bytes() const { return {reinterpret_cast<const char*>(data_), size_}; }

std::optional<Error> MappedFile::damage() const {
  struct stat now = {};
  const bool known = ::fstat(descriptor_.get(), &now) == 0;
  const auto size = static_cast<uint64_t>(now.st_size);
  if (known && size < size_) {
    return Error(ErrorKind::kFile,
                 fmt::format("expected {} bytes in {}, as when it was opened, found {}", size_,
                             printable(path_), size),
                 "the file was cut while it was in use: fetch or copy it again, and leave it alone "
                 "until the run is over");
  }
  if (!range_.lost_pages()) return std::nullopt;
  return Error(ErrorKind::kFile, "a part of " + printable(path_) + " could not be read",
               "the file was changed while it was in use, or its disk or network drive fails");
}

std::optional<Error> damage_of_mapped_files() {
  const std::lock_guard lock(open_files().mutex);
  if (open_files().damage) return open_files().damage;
  for (const MappedFile* file : open_files().files) {
    if (auto damage = file->damage()) return damage;
  }
  return std::nullopt;
}

void throw_if_cut() {
  if (const auto damage = damage_of_mapped_files()) throw *damage;
}

void release_pages(const void* begin, size_t bytes) {
  const uintptr_t file_end = end_of_mapped_range(address(begin));
  if (file_end == 0) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (address(begin) + page - 1) / page * page;
  const uintptr_t last = std::min(address(begin) + bytes, file_end) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace sd::runtime
