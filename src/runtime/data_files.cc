#include "runtime/data_files.h"

#include "base/environment.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd::runtime {
namespace fs = std::filesystem;

std::vector<fs::path> data_folders() {
  std::vector<fs::path> folders;
  const std::string named = variable("SD_DATA_DIR");
  if (!named.empty()) folders.emplace_back(named);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) {
    folders.push_back(program.parent_path().parent_path() / "share" / "stable-diffusion");
  }
  folders.emplace_back(SD_BUILD_DATA_DIR);
  folders.emplace_back(SD_SOURCE_DATA_DIR);
  return folders;
}

fs::path find_data_file(std::string_view name) {
  std::error_code ignored;
  for (const fs::path& folder : data_folders()) {
    const fs::path candidate = folder / name;
    if (fs::is_regular_file(candidate, ignored)) return candidate;
  }
  return {};
}

fs::path data_file(std::string_view name) {
  fs::path found = find_data_file(name);
  if (!found.empty()) return found;
  std::vector<std::string> searched;
  for (const fs::path& folder : data_folders()) searched.push_back(folder.string());
  throw Error(ErrorKind::kFile,
              "a file of the program is missing: " + std::string(name) + " (looked in " +
                  join(searched, ", ") + ")",
              "run scripts/setup again, or name its folder in SD_DATA_DIR");
}

}  // namespace sd::runtime
