#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/formats/contents.h"
#include "weights/formats/pickle.h"

namespace sd {

/// A storage that a torch pickle refers to: a run of elements outside the pickle.
struct TorchStorage {
  std::string_view key;
  at::ScalarType dtype = at::ScalarType::Float;
  uint64_t numel = 0;  ///< of the whole storage
};

/// Where the bytes of a storage lie in the file, or why they cannot be used.
struct StoragePlace {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string problem;
};

using FindStorage = std::function<StoragePlace(const TorchStorage&)>;

/// The storages that the pickle refers to, each key once, in the order of first appearance. Throws
/// kCheckpoint for a reference that cannot be understood.
std::vector<TorchStorage> torch_storages(const pickle::Document& document);

/// Finds the weights in an object that torch.save wrote: a dict of tensors, under the key
/// "state_dict" or at top level. Every tensor is checked against the bytes of its storage and
/// `file_size`. What cannot be loaded is listed in `problems`; nothing is thrown.
CheckpointContents torch_contents(const pickle::Document& document, const FindStorage& find,
                                  uint64_t file_size);

}  // namespace sd
