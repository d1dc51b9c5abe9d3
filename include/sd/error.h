#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sd {

/// What went wrong, and the exit code of the program: the number is a promise to scripts.
enum class ErrorKind {
  kInternal = 1,     ///< a bug of ours
  kUsage = 2,        ///< a flag or value that cannot be used
  kFile = 3,         ///< a file that cannot be read or written
  kCheckpoint = 4,   ///< a checkpoint or config that lacks required parts
  kDevice = 5,       ///< a device that is absent or has too little memory
  kAgain = 75,       ///< a job that was stopped before its end: run the same command to resume it
  kCancelled = 130,  ///< stopped by the user
};

/// The only exception type of this library.
///
/// `what()` says what was expected and what was found, in one line without a full stop; `hint()`
/// says what to do about it (may be empty); `details()` lists every single thing if there are
/// several, one per line.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, std::string hint = "",
        std::vector<std::string> details = {})
      : std::runtime_error(message),
        kind_(kind),
        hint_(std::move(hint)),
        details_(std::move(details)) {}

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }
  const std::string& hint() const { return hint_; }
  const std::vector<std::string>& details() const { return details_; }

 private:
  ErrorKind kind_;
  std::string hint_;
  std::vector<std::string> details_;
};

}  // namespace sd
