#include "job/tar_file.h"

#include <fmt/core.h>

#include <numeric>

#include "base/strings.h"
#include "sd/error.h"

namespace sd::job {
namespace {

constexpr uint64_t kMostTarBytes = uint64_t{1} << 33;  // eleven octal digits

std::string padding(size_t size) {
  return std::string((kTarBlock - size % kTarBlock) % kTarBlock, '\0');
}

}  // namespace

std::string tar_header(std::string_view name, uint64_t size) {
  constexpr size_t kNameBytes = 100, kChecksumAt = 148, kChecksumBytes = 8;
  if (name.size() >= kNameBytes || size >= kMostTarBytes) {
    throw Error(ErrorKind::kInternal, "a file does not fit into a tar: " + printable(name));
  }
  std::string header(name);
  header.resize(kNameBytes);
  header += std::string(
      "0000644\0"
      "0000000\0"
      "0000000\0",
      24);  // mode, user, group
  header += fmt::format("{:011o}", size) + '\0';
  header += std::string("00000000000\0", 12);  // the time of the last change
  header += std::string(kChecksumBytes, ' ');
  header += '0';  // a regular file
  header.resize(257);
  header += std::string(
      "ustar\0"
      "00",
      8);
  header.resize(kTarBlock);
  const unsigned checksum =
      std::accumulate(header.begin(), header.end(), 0U,
                      [](unsigned sum, char c) { return sum + static_cast<unsigned char>(c); });
  header.replace(kChecksumAt, kChecksumBytes,
                 fmt::format("{:06o}", checksum) + std::string("\0 ", 2));
  return header;
}

void TarFile::write(std::string_view bytes) {
  sum_.update(bytes.data(), bytes.size());
  file_.write(bytes);
}

void TarFile::add(std::string_view name, std::string_view bytes) {
  write(tar_header(name, bytes.size()));
  write(bytes);
  write(padding(bytes.size()));
}

void TarFile::complete() {
  write(std::string(2 * kTarBlock, '\0'));
  digest_ = sum_.finish();
  file_.complete();
}

}  // namespace sd::job
