#include "base/text_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"

namespace sd {

std::optional<std::string> read_text_file(const std::filesystem::path& path, size_t most,
                                          std::string* problem) {
  const auto fail = [&](const std::string& why) {
    *problem = why;
    return std::nullopt;
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  constexpr size_t kStep = size_t{1} << 16;
  std::string text;
  for (size_t size = 0;;) {
    text.resize(std::min(size + kStep, most + 1));
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(fmt::format("cannot be read: {}", std::strerror(errno)));
    size += static_cast<size_t>(count);
    if (count > 0 && size <= most) continue;
    text.resize(size);
    return text;
  }
}

}  // namespace sd
