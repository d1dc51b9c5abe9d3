#include "weights/weight_shelf.h"

#include <ATen/ATen.h>

namespace sd::weights {

WeightShelf::Place WeightShelf::place(const Key& key) {
  const at::Device device = key.options.device();
  return {key.name, c10::typeMetaToScalarType(key.options.dtype()), device.type(), device.index()};
}

std::shared_ptr<const void> WeightShelf::find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = made_.find(place(key));
  return found == made_.end() ? nullptr : found->second.lock();
}

void WeightShelf::add(const Key& key, const std::shared_ptr<const void>& made) {
  const std::lock_guard lock(mutex_);
  made_.insert_or_assign(place(key), made);
}

std::optional<at::Tensor> WeightShelf::find_tensor(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = tensors_.find(place(key));
  if (found == tensors_.end()) return std::nullopt;
  const Shelved& shelved = found->second;
  auto storage = shelved.storage.lock();
  if (!storage) return std::nullopt;
  return at::empty({0}, key.options)
      .set_(c10::Storage(std::move(storage)), shelved.offset, shelved.shape, shelved.strides);
}

void WeightShelf::add_tensor(const Key& key, const at::Tensor& tensor) {
  Shelved shelved{WeakTensor(tensor.storage().getWeakStorageImpl()), tensor.sizes().vec(),
                  tensor.strides().vec(), tensor.storage_offset()};
  const std::lock_guard lock(mutex_);
  tensors_.insert_or_assign(place(key), std::move(shelved));
}

}  // namespace sd::weights
