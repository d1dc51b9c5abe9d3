#include "weights/weights_file.h"

#include <ATen/ATen.h>

#include <cstring>
#include <filesystem>

#include "base/new_file.h"
#include "base/strings.h"
#include "runtime/mapped_file.h"
#include "sd/error.h"

namespace sd::weights {
namespace {

constexpr const char* kSafetensors = ".safetensors";
constexpr const char* kTorch = ".ckpt";

std::string ending_of(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

}  // namespace

void require_new_weights_file(const std::string& path) {
  const std::string ending = ending_of(path);
  if (ending != kSafetensors && ending != kTorch) {
    throw Error(ErrorKind::kUsage,
                "the new file must end in .safetensors or .ckpt, found " + printable(path),
                "give it one of these extensions");
  }
  if (!name_is_taken(path)) return;
  throw Error(ErrorKind::kFile, printable(path) + " is already there",
              "choose another name, or remove the file");
}

at::ScalarType written_dtype(at::ScalarType stored, bool is_edited,
                             std::optional<at::ScalarType> wanted) {
  if (wanted) return *wanted;
  return stored == at::kHalf && !is_edited ? at::kHalf : at::kFloat;
}

void fill_weight(const std::string& name, const at::Tensor& values, at::ScalarType dtype,
                 char* bytes) {
  const at::Tensor written = values.to(dtype).contiguous();
  if (dtype == at::kHalf && at::isinf(written).any().item<bool>() &&
      !at::isinf(values).any().item<bool>()) {
    throw Error(ErrorKind::kCheckpoint,
                printable(name) + " holds values beyond half precision's 65504",
                "leave `dtype` fp16 out");
  }
  std::memcpy(bytes, written.const_data_ptr(), written.nbytes());
  runtime::throw_if_cut();
}

void write_weights_file(const std::string& path, const std::vector<TensorToWrite>& tensors,
                        int64_t global_step) {
  if (ending_of(path) == kTorch) {
    write_torch_checkpoint(path, tensors, global_step);
  } else {
    write_safetensors(path, tensors);
  }
}

}  // namespace sd::weights
