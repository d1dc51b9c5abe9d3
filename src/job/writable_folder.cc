#include "job/writable_folder.h"

#include <unistd.h>

#include <string>

#include "base/new_file.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;

void check_writable(const fs::path& folder, const char* setting) {
  const std::string name = std::string("`") + setting + "`";
  if (folder.empty()) {
    throw Error(ErrorKind::kUsage, name + " names no folder", "give a path, or leave it out");
  }
  std::error_code problem, ignored;
  fs::path nearest = fs::absolute(folder).lexically_normal();
  while (!fs::exists(nearest, problem) && nearest.has_relative_path()) {
    if (problem == std::errc::filename_too_long) {
      throw Error(
          ErrorKind::kFile,
          "the folder " + printable(nearest.string()) + " cannot be made: " + problem.message(),
          "give " + name + " a shorter name");
    }
    if (name_is_taken(nearest)) {
      throw Error(ErrorKind::kFile,
                  name + " must be a folder, and " + printable(nearest.string()) +
                      " is a link to something that is not there",
                  "create the folder that it points to, or give " + name + " another place");
    }
    nearest = nearest.parent_path();
  }
  if (!fs::is_directory(nearest, ignored)) {
    throw Error(ErrorKind::kFile,
                name + " must be a folder, and " + printable(nearest.string()) + " is a file",
                "give " + name + " another place");
  }
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorKind::kFile,
                "the folder " + printable(nearest.string()) + " cannot be written to",
                "give " + name + " a place where you may write");
  }
}

}  // namespace sd::job
