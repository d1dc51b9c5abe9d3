#pragma once

#include <filesystem>

namespace sd {

/// A file that is written before it gets its name. Until then it has none, where the file system
/// can do that, and vanishes with its process. Elsewhere its name is random and the file is locked:
/// the lock ends with the process, which tells others that the file may be removed.
class TemporaryFile {
 public:
  enum class Until { kNameless, kRandomName };

  /// Opens it in that folder. If that fails, `descriptor` is below 0 and errno says why.
  explicit TemporaryFile(std::filesystem::path folder, Until wanted = Until::kNameless);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();  ///< removes it, if it has not got its name

  int descriptor() const { return descriptor_; }

  /// Gives it the name, of the same folder; false with errno, and nothing changed, if that cannot
  /// be done or (EEXIST) something has the name already.
  bool take_name(const std::filesystem::path& name);

  /// Gives it the name in place of what has it; false with errno.
  bool take_name_over(const std::filesystem::path& name);

 private:
  bool open_nameless();
  bool open_named();
  bool link_to(const std::filesystem::path& name) const;

  std::filesystem::path folder_;
  std::filesystem::path name_;  // empty: it has none, or its own
  int descriptor_ = -1;
};

/// Removes from the folder the temporary files of processes that have ended.
void remove_leftovers(const std::filesystem::path& folder);

}  // namespace sd
