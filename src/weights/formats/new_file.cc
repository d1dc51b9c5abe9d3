#include "weights/formats/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "sd/error.h"

namespace sd {

NewFile::NewFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".XXXXXX") {
  std::error_code ignored;
  if (std::filesystem::exists(path_, ignored)) {
    throw Error(ErrorKind::kFile, printable(path_) + " is already there",
                "choose another name, or remove the file");
  }
  const int descriptor = mkstemp(temporary_.data());
  if (descriptor < 0) fail("cannot be made");
  fchmod(descriptor, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  file_ = fdopen(descriptor, "wb");
  if (file_ == nullptr) fail("cannot be made");
}

NewFile::~NewFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail("cannot be written");
  position_ += bytes.size();
}

void NewFile::finish() {
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0) fail("cannot be written");
  // link() and not rename(): it never takes the place of another file.
  if (link(temporary_.c_str(), path_.c_str()) != 0) fail("cannot be given its name");
}

void NewFile::fail(const char* what) const {
  throw Error(ErrorKind::kFile, printable(path_) + " " + what + ": " + std::strerror(errno),
              "check the folder and the space on its disk");
}

}  // namespace sd
