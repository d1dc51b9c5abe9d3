#include "job/named_file.h"

#include <filesystem>

#include "base/log.h"
#include "base/printable.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd {

namespace {

bool is_there(const std::string& path) {
  std::error_code ignored;
  return !path.empty() && std::filesystem::exists(path, ignored);
}

}  // namespace

std::string find_named_file(const std::string& recorded, const char* what, uint64_t most_bytes) {
  // A record is UTF-8, and a file's name any bytes.
  const std::string path = is_there(recorded) ? recorded : unprintable(recorded);
  if (!is_there(path)) return "";
  try {
    open_regular_file(path, most_bytes);
  } catch (const Error& error) {
    throw Error(error.kind(),
                format("the %s that the picture names cannot be used: ", what) + error.what(),
                format("name the right %s yourself: --help lists the flags", what));
  }
  notice(format("%s: %s, which the picture names", what, printable(path).c_str()));
  return path;
}

}  // namespace sd
