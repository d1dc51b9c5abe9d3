#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weights/tensor_info.h"

namespace sd {

/// A tensor, or what stands in a tensor's place, that cannot be loaded, and why.
struct TensorProblem {
  std::string name;
  std::string what;
};

/// A class or function that a pickle names. None is ever looked up or called.
struct PickleGlobal {
  std::string name;    ///< "module.name"
  bool known = false;  ///< one that torch.save and Lightning write in the ordinary course
};

/// What a reader of one format found in a file without reading tensor data.
struct CheckpointContents {
  std::string format;                           ///< "safetensors", "torch zip", "torch legacy"
  std::vector<TensorInfo> tensors;              ///< the weights, sorted by name, each name once
  std::vector<TensorProblem> problems;          ///< empty for a sound file
  std::map<std::string, std::string> metadata;  ///< safetensors: __metadata__
  std::optional<int64_t> global_step;           ///< the trainer's step counter, if recorded
  std::vector<PickleGlobal> globals;            ///< sorted by name, each once
  std::vector<std::string> other_keys;          ///< top-level keys beside the weights
  int64_t other_tensors = 0;                    ///< tensors outside the weights (optimizer state)
  bool nested_state_dict = false;               ///< the weights lie under the key "state_dict"
};

}  // namespace sd
