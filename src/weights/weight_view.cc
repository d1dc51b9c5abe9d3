#include "weights/weight_view.h"

#include <ATen/ATen.h>

#include "runtime/mapped_file.h"
#include "runtime/profile.h"

namespace sd::weights {
namespace {

/// A model may ask for so many tensors more than the checkpoint has names: a config that asks for
/// endless layers must not be followed.
constexpr size_t kMostBeyondIndex = 5000;

/// Zeros of any shape on one element's memory: they stand in for a tensor that is missing, so that
/// the rest of a model can be looked up too.
at::Tensor placeholder(at::IntArrayRef shape, const at::TensorOptions& options) {
  return at::zeros({}, options).expand(shape);
}

/// The shape without the ones at its end.
at::IntArrayRef essence(at::IntArrayRef shape) {
  while (!shape.empty() && shape.back() == 1) shape = shape.slice(0, shape.size() - 1);
  return shape;
}

}  // namespace

std::string unreadable_kind(const Checkpoint& checkpoint, const TensorInfo& info) {
  constexpr std::string_view kWeight = "weight";
  if (!info.foreign.empty()) return info.foreign;
  if (c10::isIntegralType(info.dtype, true)) {
    return "whole numbers (" + dtype_name(info.dtype) + ") of a quantised model";
  }
  if (!std::string_view(info.name).ends_with(kWeight)) return "";
  const std::string layer = info.name.substr(0, info.name.size() - kWeight.size());
  for (const char* scale : {"scale_weight", "weight_scale"}) {
    if (checkpoint.find(layer + scale) == nullptr) continue;
    return std::string("numbers of a quantised model, which ") + scale + " multiplies";
  }
  return "";
}

WeightView::WeightView(const std::shared_ptr<const Checkpoint>& checkpoint)
    : WeightView(PartSource{.file = checkpoint}, make_report(checkpoint->path(), *checkpoint)) {}

WeightView::WeightView(PartSource source, std::shared_ptr<LoadReport> report)
    : source_(std::make_shared<const PartSource>(std::move(source))),
      report_(std::move(report)),
      scope_(source_->scope.empty() ? "" : source_->scope + ".") {}

std::shared_ptr<LoadReport> WeightView::make_report(const std::string& path,
                                                    const Checkpoint& checkpoint) {
  return std::make_shared<LoadReport>(path, checkpoint.index().size() + kMostBeyondIndex);
}

WeightView WeightView::on(at::Device device) const {
  WeightView view = *this;
  view.device_ = device;
  view.upload_ = device.is_cuda() ? std::make_shared<runtime::StagedUpload>(device) : nullptr;
  return view;
}

WeightView WeightView::as(at::ScalarType dtype) const {
  WeightView view = *this;
  view.dtype_ = dtype;
  return view;
}

WeightView WeightView::operator[](std::string_view scope) const {
  WeightView view = *this;
  view.scope_.append(scope).append(".");
  return view;
}

WeightView WeightView::operator[](int64_t index) const { return (*this)[std::to_string(index)]; }

at::Tensor WeightView::load(const std::string& name, const TensorInfo& info,
                            at::IntArrayRef shape) const {
  report_->record_used(info.name);
  if (const std::string kind = unreadable_kind(checkpoint(), info); !kind.empty()) {
    report_->record_unreadable(info.name, kind);
    return placeholder(shape, options());
  }
  if (!essence(shape).equals(essence(info.shape))) {
    report_->record_misshapen(info.name, shape.vec(), info.shape);
    return placeholder(shape, options());
  }
  if (device_.is_meta()) return placeholder(shape, options());  // its numbers are not read
  const runtime::Zone zone("weights");
  if (source_->is_edited(name)) return edited(name, info, shape);
  if (source_->shelf == nullptr) return converted(info, options()).view(shape);
  const WeightShelf::Key key = {name, options()};
  if (const auto known = source_->shelf->find_tensor(key)) return known->view(shape);
  const at::Tensor tensor = converted(info, options());
  source_->shelf->add_tensor(key, tensor);
  return tensor.view(shape);
}

/// In the host's memory, or through buffers on the view's card.
at::Tensor WeightView::placed(const at::Tensor& stored, const at::TensorOptions& options) const {
  if (upload_ == nullptr || options.device() != device_ || !stored.is_contiguous()) {
    return stored.to(options).contiguous();
  }
  return (*upload_)(stored, c10::typeMetaToScalarType(options.dtype()));
}

at::Tensor WeightView::converted(const TensorInfo& info, const at::TensorOptions& options) const {
  const at::Tensor stored = checkpoint().tensor(info);
  at::Tensor tensor = placed(stored, options);
  // What was copied is not read from the file again.
  if (!tensor.is_alias_of(stored) && stored.is_contiguous()) {
    runtime::release_pages(stored.const_data_ptr(), stored.nbytes());
  }
  return tensor;
}

at::Tensor WeightView::edited(const std::string& name, const TensorInfo& info,
                              at::IntArrayRef shape) const {
  const at::Tensor values = converted(info, at::TensorOptions(at::kFloat)).view(shape);
  const at::Tensor changed = placed(with_edits(source_->edits, name, values), options());
  // What was changed is not read from the file again.
  if (!changed.is_alias_of(values)) {
    runtime::release_pages(values.const_data_ptr(), values.nbytes());
  }
  return changed;
}

bool WeightView::is_edited() const {
  return source_->is_edited(scope_ + "weight") || source_->is_edited(scope_ + "bias");
}

at::Tensor WeightView::get(std::string_view leaf, at::IntArrayRef shape) const {
  const std::string name = reference_name(leaf);
  report_->record_asked(name, shape.vec());
  if (const TensorInfo* info = find(leaf)) return load(name, *info, shape);
  report_->record_missing(full_name(leaf), shape.vec());
  return placeholder(shape, options());
}

std::optional<at::Tensor> WeightView::get_optional(std::string_view leaf,
                                                   at::IntArrayRef shape) const {
  const TensorInfo* info = find(leaf);
  if (info == nullptr) return std::nullopt;
  return load(reference_name(leaf), *info, shape);
}

const TensorInfo* WeightView::find(std::string_view leaf) const {
  return checkpoint().find(full_name(leaf));
}

bool WeightView::has(std::string_view leaf) const { return find(leaf) != nullptr; }

std::optional<std::vector<int64_t>> WeightView::shape_of(std::string_view leaf) const {
  const TensorInfo* info = find(leaf);
  if (info == nullptr) return std::nullopt;
  return info->shape;
}

std::string WeightView::full_name(std::string_view leaf) const {
  return source_->name_in_file(reference_name(leaf));
}

bool has_ema(const Checkpoint& checkpoint) {
  return checkpoint.has_prefix("model_ema.diffusion_model");
}

}  // namespace sd::weights
