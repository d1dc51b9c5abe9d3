#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "sd/settings.h"

namespace sd::job {

/// The adapters below a folder, by their names. It is looked through once, when the first of them
/// is asked for. Its const functions are thread-safe.
class LoraFolder {
 public:
  explicit LoraFolder(std::string folder) : folder_(std::move(folder)) {}

  /// The file of an adapter that is named: that path, the adapter in a folder of PEFT or diffusers
  /// at that path, or below the folder a file of that name, with or without its ending, else one
  /// whose header has it (`ss_output_name`; the last such file, as the web UI).
  /// Throws Error(kFile), with the nearest names, where there is none.
  std::string find(const std::string& name) const;
  /// The file of an adapter with this name, as prompts have it. A path is not a name, so that
  /// somebody else's prompt opens no file elsewhere.
  std::string find_name(const std::string& name) const;
  /// All files below the folder that may be adapters, in order.
  const std::vector<std::string>& files() const;

  /// From now on that name means this file; without any, names mean again what the folder has.
  void call(const std::string& name, const std::string& file) { called_[name] = file; }
  void forget_calls() { called_.clear(); }

 private:
  void look() const;
  void look_into_headers() const;

  std::string folder_;
  std::map<std::string, std::string> called_;
  mutable std::once_flag once_;
  mutable std::vector<std::string> files_;              // sorted
  mutable std::map<std::string, std::string> by_name_;  // with and without the ending → file
  mutable std::once_flag headers_once_;
  mutable std::map<std::string, std::string> by_header_;  // the headers' names → file
};

/// The adapters of a picture: the given ones, then those of its prompt in the web UI's syntax, all
/// with their files.
std::vector<LoraUse> loras_of(const std::vector<LoraUse>& given, const std::string& webui_prompt,
                              const LoraFolder& folder);

/// Sets the adapters of a batch's passes: the given ones and those of each pass's own prompt. (In
/// the web UI, too, a second pass has those of its own prompt alone, where it has one.)
void set_loras(const std::vector<LoraUse>& given, const PictureSettings& picture,
               const LoraFolder& folder, BatchSettings* batch);

/// The adapters of a batch's passes, one list each.
std::vector<std::vector<LoraUse>> loras_by_pass(const BatchSettings& batch);

}  // namespace sd::job
