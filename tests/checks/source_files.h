#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace sd::test {

/// A file of the project.
struct SourceFile {
  std::string path;  ///< from the project's root
  std::vector<std::string> lines;
};

/// The files below these folders of the project, sorted; with one of these endings, if any are
/// given.
inline std::vector<SourceFile> source_files(const std::vector<std::string>& folders,
                                            const std::set<std::string>& endings = {}) {
  namespace fs = std::filesystem;
  const fs::path root = SD_SOURCE_DIR;
  std::vector<SourceFile> files;
  std::error_code absent;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder, absent)) {
      const fs::path& path = entry.path();
      if (!entry.is_regular_file() || path.string().find("/__pycache__/") != std::string::npos ||
          (!endings.empty() && endings.count(path.extension().string()) == 0)) {
        continue;
      }
      SourceFile file{fs::relative(path, root).string(), {}};
      std::ifstream text(path);
      for (std::string line; std::getline(text, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace sd::test
