#include "job/lora_hash.h"

#include <cstdint>
#include <cstring>

#include "job/file_hash.h"
#include "runtime/mapped_file.h"
#include "weights/checkpoint.h"

namespace sd::job {
namespace {

/// Where what lies behind a safetensors header begins, which says its own length first; 0 where
/// there is no such place.
uint64_t end_of_header(const runtime::MappedFile& file) {
  uint64_t length = 0;
  if (file.size() < sizeof length) return 0;
  std::memcpy(&length, file.data(), sizeof length);
  return length > file.size() - sizeof length ? 0 : sizeof length + length;
}

LoraHash hash_lora(const std::string& file, const std::atomic<bool>& give_up) {
  constexpr size_t kDigits = 12;
  const auto mapped = runtime::MappedFile::open(file);
  const weights::CheckpointContents contents = weights::scan_checkpoint(*mapped);
  LoraHash hash{.sha256 = remembered_sha256(file, 0, give_up), .webui = ""};
  const auto stated = contents.metadata.find("sshs_model_hash");
  if (stated != contents.metadata.end()) {
    hash.webui = stated->second.substr(0, kDigits);
  } else if (contents.format != "safetensors") {
    hash.webui = hash.sha256.substr(0, kDigits);
  } else if (const uint64_t begin = end_of_header(*mapped); begin > 0) {
    hash.webui = remembered_sha256(file, begin, give_up).substr(0, kDigits);
  }
  return hash;
}

}  // namespace

void LoraHashes::begin(const std::string& file) {
  if (known_.contains(file)) return;
  known_[file] = std::async(std::launch::async, [file, this] { return hash_lora(file, give_up_); });
}

const LoraHash& LoraHashes::get(const std::string& file) {
  begin(file);
  return known_.at(file).get();
}

std::vector<LoraHash> LoraHashes::of(const std::vector<LoraUse>& uses) {
  std::vector<LoraHash> hashes;
  hashes.reserve(uses.size());
  for (const LoraUse& use : uses) hashes.push_back(get(use.file));
  return hashes;
}

}  // namespace sd::job
