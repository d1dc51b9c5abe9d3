#include "base/environment.h"

#include <cstdlib>

namespace sd {
namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path user_folder(const char* variable_name, const char* below_home) {
  const fs::path given = variable(variable_name), home = variable("HOME");
  if (given.is_absolute()) return given;
  return home.is_absolute() ? home / below_home : fs::path();
}

}  // namespace sd
