#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "sd/lora.h"

namespace sd::job {

/// The adapters below a folder, by their names. It is looked through once, when the first of them
/// is asked for. Thread-safe.
class LoraFolder {
 public:
  explicit LoraFolder(std::string folder) : folder_(std::move(folder)) {}

  /// The file of an adapter that is named: that path, the adapter in a folder of PEFT or diffusers
  /// at that path, or below the folder a file of that name, with or without its ending. Throws
  /// Error(kFile), with the nearest names, where there is none.
  std::string find(const std::string& name) const;
  /// The same of a name alone, as prompts have it: a path is none, so that a prompt of someone else
  /// opens no file elsewhere.
  std::string find_name(const std::string& name) const;

 private:
  void look() const;

  std::string folder_;
  mutable std::once_flag once_;
  mutable std::vector<std::string> files_;              // sorted
  mutable std::map<std::string, std::string> by_name_;  // with and without the ending → file
};

/// The adapters of a picture: the given ones, then those of its prompt in the web UI's syntax, all
/// with their files.
std::vector<LoraUse> loras_of(const std::vector<LoraUse>& given, const std::string& webui_prompt,
                              const LoraFolder& folder);

}  // namespace sd::job
