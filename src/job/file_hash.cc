#include "job/file_hash.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/environment.h"
#include "base/interrupt.h"
#include "base/new_file.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

constexpr off_t kWorthRemembering = off_t{64} << 20;
constexpr size_t kMostRemembered = 100;

/// What tells a file from what it was before it changed: "SIZE SECONDS.NANOSECONDS PATH".
std::string identity(const std::string& path, const struct stat& about) {
  return fmt::format("{} {}.{:09} ", about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec) +
         fs::absolute(path).lexically_normal().string();
}

/// Empty where there is no place for it.
fs::path memory_file() {
  const fs::path cache = user_folder("XDG_CACHE_HOME", ".cache");
  return cache.empty() ? fs::path() : cache / "stable-diffusion/sha256";
}

/// Lines of "HASH IDENTITY", the newest first.
std::vector<std::string> read_memory() {
  std::ifstream file(memory_file());
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string recall(const std::string& identity) {
  constexpr size_t kDigits = 64;
  for (const std::string& line : read_memory()) {
    if (line.size() > kDigits && line.substr(kDigits) == " " + identity) {
      return line.substr(0, kDigits);
    }
  }
  return "";
}

/// As well as can be: a run does not fail for this.
void remember(const std::string& hash, const std::string& identity) {
  const fs::path path = memory_file();
  if (path.empty() || identity.find('\n') != std::string::npos) return;
  std::string text = hash + " " + identity + "\n";
  const std::vector<std::string> older = read_memory();
  for (size_t i = 0; i < older.size() && i + 1 < kMostRemembered; ++i) text += older[i] + "\n";
  try {
    fs::create_directories(path.parent_path());
    write_over(path, text);
  } catch (const Error&) {
  } catch (const fs::filesystem_error&) {
  }
}

/// Of all that follows in an open file.
std::string sha256_of_rest(const Descriptor& file, const std::string& path,
                           const std::atomic<bool>& give_up) {
  weights::Sha256 sum;
  std::vector<char> block(size_t{1} << 20);
  while (!give_up) {
    stop_if_interrupted();
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Error(ErrorKind::kFile, printable(path) + ": cannot be read: " + std::strerror(errno));
    }
    if (count == 0) return sum.finish();
    sum.update(block.data(), static_cast<size_t>(count));
  }
  return "";
}

}  // namespace

std::string sha256_of_file(const std::string& path) {
  return sha256_of_rest(open_regular_file(path), path, /*give_up=*/false);
}

std::string remembered_sha256(const std::string& path, uint64_t offset,
                              const std::atomic<bool>& give_up) {
  struct stat about = {};
  const Descriptor file = open_regular_file(path);
  const bool worth_remembering =
      ::fstat(file.get(), &about) == 0 && about.st_size >= kWorthRemembering;
  const std::string part = offset == 0 ? "" : fmt::format("@{} ", offset);
  const std::string known_by = part + identity(path, about);
  if (worth_remembering) {
    if (std::string hash = recall(known_by); !hash.empty()) return hash;
  }
  ::lseek(file.get(), static_cast<off_t>(offset), SEEK_SET);
  std::string hash = sha256_of_rest(file, path, give_up);
  if (worth_remembering && !hash.empty()) remember(hash, known_by);
  return hash;
}

FileHash::FileHash(const std::string& path)
    : computing_(std::async(std::launch::async,
                            [this, path] { return remembered_sha256(path, 0, give_up_); })) {}

FileHash::~FileHash() { give_up_ = true; }

const std::string& FileHash::get() {
  if (computing_.valid()) hash_ = computing_.get();
  return hash_;
}

}  // namespace sd::job
