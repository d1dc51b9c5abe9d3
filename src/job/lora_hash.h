#pragma once

#include <string>

namespace sd {

/// The hashes of an adapter's file.
struct LoraHash {
  std::string sha256;  ///< of all its bytes
  /// The web UI's: twelve digits of the hash that the file's header states, else of what lies
  /// behind the header; of a pickle, of all bytes.
  std::string webui;
};

/// Reads the whole file. Throws Error(kFile, kCheckpoint) as `open_checkpoint`.
LoraHash hash_lora(const std::string& file);

}  // namespace sd
