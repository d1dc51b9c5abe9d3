#include "job/named_file.h"

#include <fmt/core.h>

#include <filesystem>

#include "base/log.h"
#include "base/printable.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "models/model_source.h"
#include "sd/error.h"

namespace sd::job {

namespace {

bool is_there(const std::string& path) {
  std::error_code ignored;
  return !path.empty() && std::filesystem::exists(path, ignored);
}

/// A record is UTF-8, and a file's name any bytes.
std::string path_of_record(const std::string& recorded) {
  const std::string path = is_there(recorded) ? recorded : unprintable(recorded);
  return is_there(path) ? path : "";
}

void say_named(const char* what, const std::string& path) {
  notice(fmt::format("{}: {}, which the picture names", what, printable(path)));
}

/// A file, or a folder.
std::string find_named_part(const std::string& recorded, const char* what) {
  const std::string path = path_of_record(recorded);
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    return find_named_file(recorded, what, kMostCheckpointBytes);
  }
  say_named(what, path);
  return path;
}

}  // namespace

std::string find_named_file(const std::string& recorded, const char* what, uint64_t most_bytes) {
  std::string path = path_of_record(recorded);
  if (path.empty()) return path;
  try {
    open_regular_file(path, most_bytes);
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("the {} that the picture names cannot be used: ", what) + error.what(),
                fmt::format("name the right {} yourself: --help lists the flags", what));
  }
  say_named(what, path);
  return path;
}

std::string find_named_checkpoint(const std::string& recorded) {
  return find_named_part(recorded, "checkpoint");
}

std::string find_named_vae(const std::string& recorded) {
  const std::string path = models::vae_path(recorded);
  const std::string found = find_named_part(path, "autoencoder");
  if (!found.empty()) return recorded.substr(0, recorded.size() - path.size()) + found;
  throw Error(ErrorKind::kFile, "the autoencoder " + printable(path) + " is not there",
              "name it with `vae`");
}

}  // namespace sd::job
