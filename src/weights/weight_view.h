#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint.h"
#include "weights/load_report.h"

namespace sd {

/// The weights under one name scope of a checkpoint. Cheap to copy. All views made from one root
/// share its LoadReport: models are built to the end whatever is missing, and then
/// `root.report().throw_if_failed()` names everything at once.
class WeightView {
 public:
  /// A root: names are looked up as they are.
  explicit WeightView(std::shared_ptr<const Checkpoint> checkpoint);

  /// The same view whose names below "model." are looked up among the averaged weights, as the
  /// trainer stores them: "model.diffusion_model.out.0.weight" is read from
  /// "model_ema.diffusion_modelout0weight".
  WeightView with_ema() const;

  /// The same view whose tensors come to this device, or in this type.
  WeightView on(at::Device device) const;
  WeightView as(at::ScalarType dtype) const;
  /// Where tensors come to, and in which type: at first f32 on the CPU.
  at::TensorOptions options() const { return at::TensorOptions(device_).dtype(dtype_); }

  /// The scope below this one: `view["input_blocks"]["0"]` and `view["input_blocks.0"]` are one.
  WeightView operator[](std::string_view scope) const;
  WeightView operator[](int64_t index) const;

  /// The tensor `leaf` of this scope as `options` say, contiguous. One that is so already is a view
  /// of the mapped pages and must not be written to; others are copied. If it is missing or has
  /// another shape, that is recorded in the report and zeros without memory come back.
  at::Tensor get(std::string_view leaf, at::IntArrayRef shape) const;

  /// As `get`, but a missing tensor is no problem; one of another shape is.
  std::optional<at::Tensor> get_optional(std::string_view leaf, at::IntArrayRef shape) const;

  bool has(std::string_view leaf) const;

  /// True if the checkpoint holds anything under this scope's own name (averaged weights do not
  /// count: their names cannot be told apart by scope).
  bool exists() const;

  std::optional<std::vector<int64_t>> shape_of(std::string_view leaf) const;

  /// The name that `leaf` has in the checkpoint.
  std::string full_name(std::string_view leaf) const;

  const Checkpoint& checkpoint() const { return *checkpoint_; }
  LoadReport& report() const { return *report_; }

 private:
  at::Tensor load(const TensorInfo& info, at::IntArrayRef shape) const;

  std::shared_ptr<const Checkpoint> checkpoint_;
  std::shared_ptr<LoadReport> report_;
  std::string scope_;  // "" or ending in a dot
  bool ema_ = false;
  at::Device device_ = at::kCPU;
  at::ScalarType dtype_ = at::kFloat;
};

/// True if the checkpoint has averaged weights of the UNet (model_ema.*).
bool has_ema(const Checkpoint& checkpoint);

}  // namespace sd
