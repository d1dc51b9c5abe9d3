#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/formats/pickle.h"
#include "weights/formats/torch_globals.h"
#include "weights/tensor_info.h"

namespace sd::weights {

/// A storage that a torch pickle refers to: a run of elements outside the pickle.
struct TorchStorage {
  std::string_view key;
  ElementType elements;
  uint64_t numel = 0;  ///< of the whole storage
};

/// Where the bytes of a storage lie in the file, or why they cannot be used.
struct StoragePlace {
  uint64_t offset = 0;  ///< 0 for a packed run
  uint64_t bytes = 0;   ///< inflated
  int32_t packed = -1;  ///< the number of its run, if it has to be inflated
  std::string problem = "";
};

using FindStorage = std::function<StoragePlace(const TorchStorage&)>;

/// The storages that the pickle refers to, each key once, in the order of first appearance. Throws
/// kCheckpoint for a reference that cannot be understood.
std::vector<TorchStorage> torch_storages(const pickle::Document& document);

/// The call that makes a tensor, with wrappers such as Parameter taken off.
struct TensorCall {
  pickle::Value node;  ///< identifies the tensor
  std::string function;
  pickle::Value arguments;
};

/// Nothing if the value is no tensor.
std::optional<TensorCall> find_tensor_call(pickle::Value value);

/// Fills `info` from the call and checks every number against the storage's bytes and `file_size`.
/// What is no tensor of plain numbers is foreign, and its data are not looked at. `*described` says
/// whether `info` holds at least a dtype and a shape, or is foreign. Returns what is wrong, or "".
std::string describe_tensor(const TensorCall& call, const FindStorage& find, uint64_t file_size,
                            TensorInfo* info, bool* described);

}  // namespace sd::weights
