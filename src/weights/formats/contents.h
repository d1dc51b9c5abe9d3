#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weights/tensor_info.h"

namespace sd::weights {

/// A tensor, or what stands in a tensor's place, that cannot be loaded, and why.
struct TensorProblem {
  std::string name;
  std::string what;
};

/// A run of the file's bytes that deflate has packed.
struct PackedRun {
  std::string name;           ///< of the zip entry
  uint64_t offset = 0;        ///< from the file's start
  uint64_t stored_bytes = 0;  ///< in the file
  uint64_t bytes = 0;         ///< inflated
  uint32_t crc32 = 0;         ///< of the inflated bytes; 0: not known
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
  std::vector<PackedRun> packed;                ///< where tensors lie that are not stored plainly
  std::vector<TensorProblem> problems;          ///< empty for a sound file
  std::string wrapper;                          ///< "module.": what was cut out of names
  std::map<std::string, std::string> metadata;  ///< safetensors: __metadata__
  std::optional<int64_t> global_step;           ///< the trainer's step counter, if recorded
  std::vector<PickleGlobal> globals;            ///< sorted by name, each once
  std::vector<std::string> other_keys;          ///< top-level keys beside the weights
  int64_t other_tensors = 0;                    ///< tensors outside the weights (optimizer state)
  bool nested_state_dict = false;               ///< the weights lie under the key "state_dict"
  bool embedding = false;                       ///< they lie under "string_to_param"
};

}  // namespace sd::weights
