#include "weights/convert.h"

#include <ATen/ATen.h>

#include <span>

#include "base/strings.h"
#include "sd/error.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"
#include "weights/weights_file.h"

namespace sd::weights {
namespace {

constexpr std::string_view kNetworks[] = {kUnetPrefix, "first_stage_model.", kTextPrefix};

bool starts_with_any(const std::string& name, std::span<const std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

/// A tensor to be written: where it lies, and the edits of it.
struct Source {
  std::string name;       ///< that it is written under
  std::string reference;  ///< its name in the reference
  const TensorInfo* stored;
  bool is_edited;
};

std::string reference_name(const std::string& name, const ConvertOptions& options) {
  return options.reference_name ? options.reference_name(name) : name;
}

at::ScalarType dtype_of(const Source& source, at::ScalarType stored,
                        const ConvertOptions& options) {
  if (!at::isFloatingType(stored)) return at::kLong;
  if (!starts_with_any(source.name, kNetworks)) return at::kFloat;  // the schedule, say
  return written_dtype(stored, source.is_edited, options.dtype);
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

at::Tensor values_of(const Checkpoint& checkpoint, const Source& source,
                     const ConvertOptions& options) {
  const at::Tensor stored = checkpoint.tensor(*source.stored);
  if (!source.is_edited) return stored;
  return with_edits(options.edits, source.reference, stored.to(at::kFloat).contiguous());
}

/// Throws for what is no weight though it stands in the place of one.
void require_weight(const Checkpoint& checkpoint, const TensorInfo& info) {
  if (!info.foreign.empty()) checkpoint.tensor(info);  // throws
  if (!info.name.ends_with(".weight") || !starts_with_any(info.name, kNetworks)) return;
  const std::string kind = unreadable_kind(checkpoint, info);
  if (kind.empty()) return;
  throw Error(ErrorKind::kCheckpoint,
              printable(checkpoint.path()) + ": " + printable(info.name) +
                  " expected plain numbers, found " + kind,
              "give the model in float32, float16 or bfloat16");
}

}  // namespace

ConvertResult convert_checkpoint(const std::shared_ptr<const Checkpoint>& checkpoint,
                                 const std::string& path, const ConvertOptions& options) {
  require_new_weights_file(path);
  const WeightView root(checkpoint);
  ConvertResult result;
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& info : checkpoint->index()) {
    if (info.name.starts_with("model_ema.")) {
      ++result.left_out;
      continue;
    }
    const std::string reference = reference_name(info.name, options);
    const Source source{info.name, reference, source_of(root, info, options),
                        is_touched(options.edits, reference)};
    require_weight(*checkpoint, *source.stored);  // before a byte is written
    const at::ScalarType dtype = dtype_of(source, info.dtype, options);
    tensors.push_back({.name = info.name,
                       .dtype = dtype,
                       .shape = info.shape,
                       .fill = [&checkpoint, &options, source, dtype](char* bytes) {
                         fill_weight(source.name, values_of(*checkpoint, source, options), dtype,
                                     bytes);
                       }});
    result.bytes += tensors.back().bytes();
  }
  result.tensors = static_cast<int64_t>(tensors.size());
  write_weights_file(path, tensors, checkpoint->global_step().value_or(0));
  return result;
}

}  // namespace sd::weights
