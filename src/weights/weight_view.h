#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "runtime/staged_upload.h"
#include "weights/checkpoint.h"
#include "weights/load_report.h"
#include "weights/part_source.h"

namespace sd::weights {

/// The weights under one scope of the reference's names. Cheap to copy. All views made from one
/// root share its LoadReport, and so may several roots: models are built to the end whatever is
/// missing, and then `root.report().throw_if_failed()` names everything at once.
class WeightView {
 public:
  /// A root: names are looked up as they are.
  explicit WeightView(const std::shared_ptr<const Checkpoint>& checkpoint);

  /// The scope of a part. `report`: where problems go.
  WeightView(PartSource source, std::shared_ptr<LoadReport> report);

  /// A report for a model whose first file this is.
  static std::shared_ptr<LoadReport> make_report(const std::string& path,
                                                 const Checkpoint& checkpoint);

  /// This view with its tensors on that device, or in that type.
  WeightView on(at::Device device) const;
  WeightView as(at::ScalarType dtype) const;
  /// Where tensors come to, and in which type: at first f32 on the CPU.
  at::TensorOptions options() const { return at::TensorOptions(device_).dtype(dtype_); }

  /// The scope below this one: `view["input_blocks"]["0"]` and `view["input_blocks.0"]` are one.
  WeightView operator[](std::string_view scope) const;
  WeightView operator[](int64_t index) const;

  /// The tensor `leaf` of this scope as `options` say, contiguous. One that is so already is a view
  /// of the mapped pages and must not be written to; others are copied. Ones at the end of a shape
  /// do not count: a 1x1 convolution may be stored as a linear map. If the tensor is missing, has
  /// another shape or cannot be read, that is recorded in the report and zeros without memory come
  /// back.
  at::Tensor get(std::string_view leaf, at::IntArrayRef shape) const;

  /// As `get`, but a missing tensor is no problem; one of another shape is.
  std::optional<at::Tensor> get_optional(std::string_view leaf, at::IntArrayRef shape) const;

  bool has(std::string_view leaf) const;

  std::optional<std::vector<int64_t>> shape_of(std::string_view leaf) const;

  /// The name that `leaf` has in the checkpoint.
  std::string full_name(std::string_view leaf) const;

  /// Whether the weight or the bias of this scope is changed by an edit of the source.
  bool is_edited() const;

  /// What `make` gives of this scope's weight and bias, such as a kernel with a copy of its own; or
  /// what it gave before, where another network of the same source still has it.
  template <class T, class Make>
  std::shared_ptr<const T> shared(const Make& make) const {
    if (source_->shelf == nullptr || device_.is_meta() || is_edited()) return make();
    const WeightShelf::Key key = {scope_ + typeid(T).name(), options()};
    auto made = std::static_pointer_cast<const T>(source_->shelf->find(key));
    if (made != nullptr) return made;
    made = make();
    source_->shelf->add(key, made);
    return made;
  }

  const Checkpoint& checkpoint() const { return *source_->file; }
  LoadReport& report() const { return *report_; }

 private:
  at::Tensor load(const std::string& name, const TensorInfo& info, at::IntArrayRef shape) const;
  at::Tensor converted(const TensorInfo& info, const at::TensorOptions& options) const;
  at::Tensor placed(const at::Tensor& stored, const at::TensorOptions& options) const;
  at::Tensor edited(const std::string& name, const TensorInfo& info, at::IntArrayRef shape) const;
  std::string reference_name(std::string_view leaf) const { return scope_ + std::string(leaf); }
  const TensorInfo* find(std::string_view leaf) const;

  std::shared_ptr<const PartSource> source_;
  std::shared_ptr<LoadReport> report_;
  std::string scope_;  // "" or ending in a dot
  at::Device device_ = at::kCPU;
  at::ScalarType dtype_ = at::kFloat;
  std::shared_ptr<runtime::StagedUpload> upload_;  // to a card; null elsewhere
};

/// What keeps a tensor's numbers from being a weight: words for what it holds, or "". Programs that
/// quantise a model leave whole numbers, or numbers that another tensor multiplies.
std::string unreadable_kind(const Checkpoint& checkpoint, const TensorInfo& info);

/// True if the checkpoint has averaged weights of the UNet (model_ema.*).
bool has_ema(const Checkpoint& checkpoint);

}  // namespace sd::weights
