#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <system_error>

#include "base/descriptor.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

/// Where the mapped files of this process lie: begin → end.
struct Mappings {
  std::mutex mutex;
  std::map<uintptr_t, uintptr_t> ranges;
};

Mappings& mappings() {
  static Mappings* all = new Mappings;  // never destroyed: a file may be closed after main
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
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
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
  if (data == MAP_FAILED) {
    throw Error(ErrorKind::kFile, "cannot map " + shown + " into memory: " + reason(errno));
  }
  const std::shared_ptr<const MappedFile> file(
      new MappedFile(path, static_cast<const std::byte*>(data), size));
  const std::lock_guard lock(mappings().mutex);
  mappings().ranges[address(data)] = address(data) + size;
  return file;
}

MappedFile::~MappedFile() {
  const std::lock_guard lock(mappings().mutex);
  mappings().ranges.erase(address(data_));
  // munmap takes a pointer to non-const; the pages are not written.
  ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string_view MappedFile::bytes() const { return {reinterpret_cast<const char*>(data_), size_}; }

void release_pages(const void* begin, size_t bytes) {
  const std::lock_guard lock(mappings().mutex);
  const auto after = mappings().ranges.upper_bound(address(begin));
  if (after == mappings().ranges.begin()) return;
  const uintptr_t file_end = std::prev(after)->second;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (address(begin) + page - 1) / page * page;
  const uintptr_t last = std::min(address(begin) + bytes, file_end) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace sd
