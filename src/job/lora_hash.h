#pragma once

#include <atomic>
#include <future>
#include <map>
#include <string>
#include <vector>

#include "sd/lora.h"

namespace sd::job {

/// The hashes of an adapter's file.
struct LoraHash {
  std::string sha256;  ///< of all its bytes
  /// The web UI's: twelve digits of the hash that the file's header states, else of what lies
  /// behind the header; of a pickle, of all bytes.
  std::string webui;
};

/// The hashes of the adapters of a run, each computed once, while other work goes on; those of
/// large files are remembered (`remembered_sha256`). To be used by one thread at a time.
class LoraHashes {
 public:
  LoraHashes() = default;
  LoraHashes(const LoraHashes&) = delete;
  LoraHashes& operator=(const LoraHashes&) = delete;
  ~LoraHashes() { give_up_ = true; }  ///< does not wait for what nobody asked for

  /// Begins to read that file.
  void begin(const std::string& file);
  /// Those of that file; waits for them. Throws Error(kFile, kCheckpoint) as `open_checkpoint`.
  const LoraHash& get(const std::string& file);
  /// Those of each adapter, as `get`.
  std::vector<LoraHash> of(const std::vector<LoraUse>& uses);

 private:
  std::atomic<bool> give_up_ = false;
  std::map<std::string, std::shared_future<LoraHash>> known_;  // by path
};

}  // namespace sd::job
