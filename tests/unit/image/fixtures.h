#pragma once

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "image/image.h"

namespace sd::test {

inline std::filesystem::path image_data_dir() {
  return std::filesystem::path(SD_SOURCE_DIR) / "tests/data/image";
}

/// What the reference's libraries make of our fixtures; see make_fixtures.py beside it.
inline nlohmann::json expected_images(const char* table) {
  std::ifstream file(image_data_dir() / "expected.json");
  return nlohmann::json::parse(file).at(table);
}

inline std::vector<uint8_t> file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline uint32_t crc_of(const Image& image) {
  return static_cast<uint32_t>(crc32_z(crc32_z(0, nullptr, 0), image.rgb.data(), image.rgb.size()));
}

/// A new empty folder that goes when it does.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sd-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  size_t entries() const {
    const std::filesystem::directory_iterator all(path_);
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sd::test
