#include "job/model_search.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/strings.h"
#include "job/file_hash.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::job {
namespace {

namespace fs = std::filesystem;

constexpr size_t kOldDigits = 8;
constexpr size_t kMostFiles = 10'000;

using Endings = std::vector<std::string_view>;

bool has_ending(const fs::path& path, const Endings& endings) {
  return std::find(endings.begin(), endings.end(), path.extension().string()) != endings.end();
}

/// Files below the folder with such endings, in the order of their names.
std::vector<fs::path> files_in(const std::string& folder, const Endings& endings) {
  std::vector<fs::path> files;
  std::error_code error;
  const auto options = fs::directory_options::follow_directory_symlink |
                       fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator entry(folder, options, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    constexpr int kDeepest = 8;
    if (entry.depth() > kDeepest) entry.disable_recursion_pending();
    std::error_code ignored;
    if (has_ending(entry->path(), endings) && entry->is_regular_file(ignored)) {
      files.push_back(entry->path());
    }
    if (files.size() == kMostFiles) break;
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_hash(const std::string& hash) {
  constexpr size_t kLeast = 8, kMost = 64;
  return hash.size() >= kLeast && hash.size() <= kMost &&
         hash.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool has_name(const fs::path& path, const std::string& name) {
  const fs::path wanted(name);
  return !name.empty() &&
         (path.filename() == wanted.filename() || path.stem() == wanted.filename());
}

bool fits(const fs::path& path, const std::string& hash) {
  try {
    if (hash.size() == kOldDigits && old_model_hash(path) == hash) return true;
    return FileHash(path).get().starts_with(hash);
  } catch (const Error& error) {
    rethrow_if_stopped(error);
    detail(path.string() + " is left out: " + error.what());
    return false;
  }
}

std::string find_file(const std::string& folder, const Endings& endings, const std::string& hash,
                      const std::string& name) {
  std::vector<fs::path> files = files_in(folder, endings);
  std::stable_partition(files.begin(), files.end(),
                        [&](const fs::path& path) { return has_name(path, name); });
  for (const fs::path& path : files) {
    if (is_hash(hash) ? fits(path, hash) : has_name(path, name)) return path.string();
  }
  return "";
}

}  // namespace

std::string old_model_hash(const std::string& path) {
  constexpr std::streamoff kBegin = 0x100000;
  constexpr size_t kBytes = 0x10000;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kFile, printable(path) + ": cannot be opened");
  file.seekg(kBegin);
  std::vector<char> block(kBytes);
  file.read(block.data(), static_cast<std::streamsize>(block.size()));
  return weights::sha256_of(block.data(),
                            static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)))
      .substr(0, kOldDigits);
}

std::string find_model(const std::string& folder, const std::string& hash,
                       const std::string& name) {
  return find_file(folder, {".safetensors", ".ckpt"}, hash, name);
}

std::string find_vae(const std::string& folder, const std::string& hash, const std::string& name) {
  return find_file(folder, {".safetensors", ".ckpt", ".pt"}, hash, name);
}

}  // namespace sd::job
