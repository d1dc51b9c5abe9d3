#include "base/regular_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/strings.h"
#include "sd/error.h"

namespace sd {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

[[noreturn]] void refuse(const std::string& path, const std::string& found, const char* hint) {
  throw Error(ErrorKind::kFile,
              "expected a regular file at " + printable(path) + ", found " + found, hint);
}

}  // namespace

bool is_regular(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

bool is_found(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return true;
  if (error != std::errc::permission_denied) return false;
  throw Error(ErrorKind::kFile, "cannot read " + printable(path.string()) + ": " + error.message(),
              "ask for permission to enter the folders on the way to it");
}

Descriptor open_regular_file(const std::string& path, uint64_t most_bytes) {
  struct stat about = {};
  // What a name stands for is looked at first: opening some devices does something.
  if (::stat(path.c_str(), &about) != 0) {
    throw Error(ErrorKind::kFile, printable(path) + ": cannot be opened: " + std::strerror(errno),
                "check the path");
  }
  const char* hint = "give the path of the file itself";
  if (!S_ISREG(about.st_mode)) refuse(path, kind_of(about.st_mode), hint);
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 || ::fstat(file.get(), &about) != 0) {
    throw Error(ErrorKind::kFile, printable(path) + ": cannot be opened: " + std::strerror(errno),
                errno == EACCES ? "ask for read permission on the file" : "check the path");
  }
  if (!S_ISREG(about.st_mode)) refuse(path, kind_of(about.st_mode), hint);
  if (about.st_size == 0) refuse(path, "an empty one", hint);
  if (static_cast<uint64_t>(about.st_size) > most_bytes) {
    refuse(path, human_bytes(static_cast<uint64_t>(about.st_size)),
           fmt::format("it may have {} at most", human_bytes(most_bytes)).c_str());
  }
  return file;
}

}  // namespace sd
