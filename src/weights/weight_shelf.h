#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace sd::weights {

/// What networks of one source have made of its weights, so that another network of that source
/// takes it and makes no second copy. It keeps nothing alive: what no network has any more is gone.
/// Safe to use from several threads.
class WeightShelf {
 public:
  /// A name, and the type and device of what was made.
  struct Key {
    std::string name;
    at::TensorOptions options;
  };

  /// What was made under this key; null: nothing, or it is gone.
  std::shared_ptr<const void> find(const Key& key) const;
  void add(const Key& key, const std::shared_ptr<const void>& made);

  std::optional<at::Tensor> find_tensor(const Key& key) const;
  void add_tensor(const Key& key, const at::Tensor& tensor);

 private:
  using Place = std::tuple<std::string, at::ScalarType, at::DeviceType, at::DeviceIndex>;
  using WeakTensor = c10::weak_intrusive_ptr<c10::StorageImpl>;

  /// A tensor is known by its memory, since networks keep views of it.
  struct Shelved {
    WeakTensor storage;
    std::vector<int64_t> shape, strides;
    int64_t offset;
  };

  static Place place(const Key& key);

  mutable std::mutex mutex_;
  std::map<Place, std::weak_ptr<const void>> made_;
  std::map<Place, Shelved> tensors_;
};

}  // namespace sd::weights
