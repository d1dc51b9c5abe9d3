#pragma once

#include <map>
#include <string>
#include <vector>

#include "text/dynamic_prompt.h"

namespace sd {

/// The wildcards of a folder: NAME.txt has a value a line (# begins a comment), NAME.json and
/// NAME.yaml lists of values by keys, "0.5::a" with a weight. Files are read when they are asked
/// for.
class Wildcards {
 public:
  explicit Wildcards(std::string folder) : folder_(std::move(folder)) {}

  /// Of "colours", "artists/dutch", "colours*", "artists/**": by the path below the folder, without
  /// ending; else below any folder in it. Sorted, without repeats. Throws Error(kFile) where there
  /// is none, or a file cannot be read.
  std::vector<WildcardValue> values(const std::string& name);

  /// The SHA-256 of all of them; empty where there is none. Throws Error(kFile) where a file cannot
  /// be read.
  std::string sha256();

 private:
  void read_all();

  std::string folder_;
  bool read_ = false;
  std::map<std::string, std::vector<WildcardValue>> lists_;
};

}  // namespace sd
