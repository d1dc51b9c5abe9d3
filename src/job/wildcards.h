#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "text/dynamic_prompt.h"

namespace sd::job {

/// The wildcards of a folder: NAME.txt has a value a line (# begins a comment), NAME.json and
/// NAME.yaml lists of values by keys, "0.5::a" with a weight. Files are read once, when the first
/// name is asked for, and what a name stands for is found once. A file that cannot be read fails
/// the names that it may hold, and no others.
class Wildcards {
 public:
  explicit Wildcards(std::string folder) : folder_(std::move(folder)) {}

  /// Of "colours", "artists/dutch", "colours*", "artists/**": by the path below the folder, without
  /// ending; else below any folder in it. Sorted, without repeats; they live as long as this.
  /// Throws Error(kFile) where there is none, or none has a value, or a file of that name cannot be
  /// read.
  const std::vector<text::WildcardValue>& values(const std::string& name);

  /// The SHA-256 of all of them; empty where there is none.
  std::string sha256();

 private:
  using Lists = std::map<std::string, std::vector<text::WildcardValue>>;
  /// A file that cannot be read.
  struct Damaged {
    std::string name;    ///< as it would be asked for
    bool holds_keys;     ///< whether it may hold lists of any names
    std::string reason;  ///< with its path
  };
  struct Files {
    Lists lists;
    std::vector<Damaged> damaged;
  };

  const Files& files();
  void read_file(const std::string& path, Files* files) const;
  Files read_files() const;
  std::vector<text::WildcardValue> find(const std::string& name);
  bool add(const std::string& pattern, std::vector<text::WildcardValue>* values);
  [[noreturn]] void refuse(const std::string& name);

  std::string folder_;
  std::optional<Files> files_;  // nothing: not read yet
  Lists known_;                 // by the names that were asked for
};

}  // namespace sd::job
