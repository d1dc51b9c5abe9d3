#include "weights/convert.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <span>

#include "base/strings.h"
#include "sd/error.h"
#include "weights/formats/writers.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"

namespace sd {
namespace {

constexpr std::string_view kNetworks[] = {"model.diffusion_model.", "first_stage_model.",
                                          "cond_stage_model."};

bool starts_with_any(const std::string& name, std::span<const std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

std::string reference_name(const std::string& name, const ConvertOptions& options) {
  return options.reference_name ? options.reference_name(name) : name;
}

bool is_edited(const std::string& name, const ConvertOptions& options) {
  const std::string reference = reference_name(name, options);
  return std::any_of(options.edits.begin(), options.edits.end(),
                     [&](const WeightEdit& edit) { return edit.touches(reference); });
}

/// What the weight `name` is written as.
at::ScalarType written_dtype(const TensorInfo& info, const ConvertOptions& options) {
  if (!at::isFloatingType(info.dtype)) return at::kLong;
  if (!starts_with_any(info.name, kNetworks)) return at::kFloat;  // the schedule, say
  if (options.dtype) return *options.dtype;
  if (is_edited(info.name, options)) return at::kFloat;
  return info.dtype == at::kHalf ? at::kHalf : at::kFloat;  // the writers know these two
}

/// The tensor that stands behind the name: the average of a weight of the UNet, if it is wanted.
const TensorInfo* source_of(const WeightView& root, const TensorInfo& info,
                            const ConvertOptions& options) {
  if (!options.ema || !info.name.starts_with("model.")) return &info;
  const TensorInfo* average = root.checkpoint().find(ema_name(info.name));
  if (average != nullptr && average->shape == info.shape) return average;
  throw Error(ErrorKind::kCheckpoint,
              root.checkpoint().path() + " has no averaged weight for " + info.name,
              "use `weights` plain");
}

/// The weight with the edits made to it; as it is stored where there are none.
at::Tensor edited(const at::Tensor& stored, const std::string& name,
                  const ConvertOptions& options) {
  if (!is_edited(name, options)) return stored;
  const std::string reference = reference_name(name, options);
  at::Tensor values = stored.to(at::kFloat).contiguous();
  for (const WeightEdit& edit : options.edits) {
    if (edit.touches(reference)) values = edit.apply(reference, values);
  }
  return values;
}

void fill(const Checkpoint& checkpoint, const TensorInfo& info, const std::string& name,
          at::ScalarType dtype, const ConvertOptions& options, char* bytes) {
  const at::Tensor stored = edited(checkpoint.tensor(info), name, options);
  const at::Tensor tensor = stored.to(dtype).contiguous();
  if (dtype == at::kHalf && at::isinf(tensor).any().item<bool>() &&
      !at::isinf(stored).any().item<bool>()) {
    throw Error(ErrorKind::kCheckpoint, name + " holds values beyond half precision's 65504",
                "leave `dtype` fp16 out");
  }
  std::memcpy(bytes, tensor.const_data_ptr(), tensor.nbytes());
  throw_if_cut();
}

}  // namespace

ConvertResult convert_checkpoint(const std::shared_ptr<const Checkpoint>& checkpoint,
                                 const std::string& path, const ConvertOptions& options) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending != ".safetensors" && ending != ".ckpt") {
    throw Error(ErrorKind::kUsage,
                "the new file must end in .safetensors or .ckpt, found " + printable(path),
                "give it one of these endings");
  }
  const WeightView root(checkpoint);
  ConvertResult result;
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& info : checkpoint->index()) {
    if (info.name.starts_with("model_ema.")) {
      ++result.left_out;
      continue;
    }
    const TensorInfo* source = source_of(root, info, options);
    if (!source->foreign.empty()) checkpoint->tensor(*source);  // throws, before a byte is written
    const at::ScalarType dtype = written_dtype(info, options);
    tensors.push_back({.name = info.name,
                       .dtype = dtype,
                       .shape = info.shape,
                       .fill = [checkpoint, source, name = info.name, dtype, options](char* bytes) {
                         fill(*checkpoint, *source, name, dtype, options, bytes);
                       }});
    result.bytes += tensors.back().bytes();
  }
  result.tensors = static_cast<int64_t>(tensors.size());
  if (ending == ".ckpt") {
    write_torch_checkpoint(path, tensors, checkpoint->global_step().value_or(0));
  } else {
    write_safetensors(path, tensors);
  }
  return result;
}

}  // namespace sd
