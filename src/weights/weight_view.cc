#include "weights/weight_view.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/mapped_file.h"
#include "runtime/profile.h"

namespace sd {
namespace {

constexpr std::string_view kModel = "model.";
constexpr std::string_view kEma = "model_ema.";

/// A model may ask for so many tensors more than the checkpoint has names: a config that asks for
/// endless layers must not be followed.
constexpr size_t kMostBeyondIndex = 5000;

/// Zeros of any shape on one element's memory: they stand in for a tensor that is missing, so that
/// the rest of a model can be looked up too.
at::Tensor placeholder(at::IntArrayRef shape, const at::TensorOptions& options) {
  return at::zeros({}, options).expand(shape);
}

}  // namespace

WeightView::WeightView(std::shared_ptr<const Checkpoint> checkpoint)
    : checkpoint_(std::move(checkpoint)),
      report_(std::make_shared<LoadReport>(checkpoint_->path(),
                                           checkpoint_->index().size() + kMostBeyondIndex)) {}

WeightView WeightView::with_ema() const {
  WeightView view = *this;
  view.ema_ = true;
  return view;
}

WeightView WeightView::on(at::Device device) const {
  WeightView view = *this;
  view.device_ = device;
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

at::Tensor WeightView::load(const TensorInfo& info, at::IntArrayRef shape) const {
  report_->record_used(info.name);
  if (!info.foreign.empty()) {
    report_->record_unreadable(info.name, info.foreign);
    return placeholder(shape, options());
  }
  if (!shape.equals(info.shape)) {
    report_->record_misshapen(info.name, shape.vec(), info.shape);
    return placeholder(shape, options());
  }
  const Zone zone("weights");
  const at::Tensor stored = checkpoint_->tensor(info);
  at::Tensor tensor = stored.to(options()).contiguous();
  // What was copied is not read from the file again.
  if (!tensor.is_alias_of(stored) && stored.is_contiguous()) {
    release_pages(stored.const_data_ptr(), stored.nbytes());
  }
  return tensor;
}

at::Tensor WeightView::get(std::string_view leaf, at::IntArrayRef shape) const {
  const std::string name = full_name(leaf);
  if (const TensorInfo* info = checkpoint_->find(name)) return load(*info, shape);
  report_->record_missing(name, shape.vec());
  return placeholder(shape, options());
}

std::optional<at::Tensor> WeightView::get_optional(std::string_view leaf,
                                                   at::IntArrayRef shape) const {
  const TensorInfo* info = checkpoint_->find(full_name(leaf));
  if (info == nullptr) return std::nullopt;
  return load(*info, shape);
}

bool WeightView::has(std::string_view leaf) const {
  return checkpoint_->find(full_name(leaf)) != nullptr;
}

bool WeightView::exists() const { return checkpoint_->has_prefix(scope_); }

std::optional<std::vector<int64_t>> WeightView::shape_of(std::string_view leaf) const {
  const TensorInfo* info = checkpoint_->find(full_name(leaf));
  if (info == nullptr) return std::nullopt;
  return info->shape;
}

std::string WeightView::full_name(std::string_view leaf) const {
  std::string name = scope_;
  name.append(leaf);
  if (!ema_ || !name.starts_with(kModel)) return name;
  name.erase(0, kModel.size());
  std::erase(name, '.');
  return std::string(kEma) + name;
}

bool has_ema(const Checkpoint& checkpoint) {
  return checkpoint.has_prefix("model_ema.diffusion_model");
}

}  // namespace sd
