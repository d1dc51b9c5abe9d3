#include "job/named_file.h"

#include <filesystem>

#include "base/log.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {

bool find_named_file(const std::string& path, const char* what, uint64_t most_bytes) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return false;
  try {
    open_regular_file(path, most_bytes);
  } catch (const Error& error) {
    throw Error(error.kind(),
                format("the %s that the picture names cannot be used: ", what) + error.what(),
                format("name the right %s yourself: --help lists the flags", what));
  }
  notice(format("%s: %s, which the picture names", what, printable(path).c_str()));
  return true;
}

}  // namespace sd
