// Any bytes are a checkpoint whose tensors all lie within them, or an error that says why not.
#include "support/fuzz.h"
#include "weights/formats/safetensors.h"
#include "weights/formats/torch_legacy.h"
#include "weights/formats/torch_zip.h"

namespace {

using sd::weights::CheckpointContents;

void check(const CheckpointContents& contents, uint64_t size) {
  uint64_t inflated = 0;
  for (const sd::weights::PackedRun& run : contents.packed) {
    sd::test::require(run.offset <= size && run.stored_bytes <= size - run.offset);
    inflated += run.bytes;
  }
  sd::test::require(inflated <= 32 * size, "a bomb");
  for (const sd::weights::TensorInfo& info : contents.tensors) {
    if (!info.foreign.empty()) continue;
    const uint64_t all =
        info.packed < 0 ? size : contents.packed[static_cast<size_t>(info.packed)].bytes;
    sd::test::require(info.offset <= all && info.bytes <= all - info.offset, "out of the file");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  sd::test::expect_error_kinds({sd::ErrorKind::kCheckpoint}, [&] {
    if (sd::weights::is_torch_zip(file)) check(sd::weights::read_torch_zip(file), size);
    if (sd::weights::is_torch_legacy(file)) check(sd::weights::read_torch_legacy(file), size);
    if (sd::weights::is_safetensors(file)) check(sd::weights::read_safetensors(file), size);
  });
  return 0;
}
