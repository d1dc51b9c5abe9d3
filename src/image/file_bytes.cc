#include "image/file_bytes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/interrupt.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd::image {
namespace {

[[noreturn]] void throw_errno(const std::filesystem::path& path, const char* what, int error) {
  throw Error(ErrorKind::kFile,
              fmt::format("{}: {}: {}", path.string(), what, std::strerror(error)),
              error == ENOENT ? "check the path" : "");
}

/// 0 where that is not known. A device, which may have no end, is refused.
size_t expected_size(const Descriptor& file, const std::filesystem::path& path) {
  struct stat about = {};
  if (::fstat(file.get(), &about) != 0) return 0;
  if (S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode)) {
    throw Error(ErrorKind::kFile,
                fmt::format("{}: expected a file or a pipe, found a device", path.string()),
                "give the path of a picture");
  }
  return S_ISREG(about.st_mode) ? static_cast<size_t>(about.st_size) : 0;
}

}  // namespace

std::vector<uint8_t> read_file_bytes(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    stop_if_interrupted();  // while it waited for the writer of a pipe
    throw_errno(path, "cannot be opened", errno);
  }
  constexpr size_t kStep = size_t{1} << 20;
  const size_t expected = expected_size(file, path);
  std::vector<uint8_t> bytes;
  size_t size = 0;
  while (size <= kMaxFileBytes && expected <= kMaxFileBytes) {
    bytes.resize(size < expected ? expected + 1 : size + kStep);
    stop_if_interrupted();
    const ssize_t count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(path, "cannot be read", errno);
    size += static_cast<size_t>(count);
    if (count > 0) continue;
    bytes.resize(size);
    return bytes;
  }
  throw Error(ErrorKind::kFile, fmt::format("{}: larger than {}, the most that a picture may be",
                                            path.string(), human_bytes(kMaxFileBytes)));
}

}  // namespace sd::image
