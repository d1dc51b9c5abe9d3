#include "job/lora_hash.h"

#include <cstdint>
#include <cstring>

#include "runtime/mapped_file.h"
#include "weights/checkpoint.h"
#include "weights/sha256.h"

namespace sd {
namespace {

/// What lies behind a safetensors header, which says its own length first.
std::string hash_behind_header(const MappedFile& file) {
  uint64_t length = 0;
  if (file.size() < sizeof length) return "";
  std::memcpy(&length, file.data(), sizeof length);
  if (length > file.size() - sizeof length) return "";
  const size_t begin = sizeof length + length;
  return sha256_of(file.data() + begin, file.size() - begin);
}

}  // namespace

LoraHash hash_lora(const std::string& file) {
  constexpr size_t kDigits = 12;
  const auto mapped = MappedFile::open(file);
  LoraHash hash{.sha256 = sha256_of(mapped->data(), mapped->size()), .webui = ""};
  const CheckpointContents contents = scan_checkpoint(*mapped);
  const auto stated = contents.metadata.find("sshs_model_hash");
  if (stated != contents.metadata.end()) {
    hash.webui = stated->second.substr(0, kDigits);
  } else if (contents.format == "safetensors") {
    hash.webui = hash_behind_header(*mapped).substr(0, kDigits);
  } else {
    hash.webui = hash.sha256.substr(0, kDigits);
  }
  return hash;
}

}  // namespace sd
