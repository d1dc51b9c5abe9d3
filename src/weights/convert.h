#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weights/checkpoint.h"
#include "weights/part_source.h"

namespace sd::weights {

/// What a converted checkpoint holds.
struct ConvertOptions {
  /// f32 or f16, of the networks' weights; the noise schedule always stays as exact as it is. None:
  /// each as it is stored (bfloat16 and double as f32).
  std::optional<at::ScalarType> dtype;
  bool ema = false;  ///< the averaged weights of the UNet, in the place of the others
  /// Made to the weights before they are written, one after the other. Where `dtype` is none,
  /// weights that they change are written as f32.
  std::vector<WeightEdit> edits = {};
  /// The reference's name of a weight of the file; null: the file has the reference's names.
  NameMap reference_name = nullptr;
};

/// What `convert_checkpoint` did.
struct ConvertResult {
  int64_t tensors = 0;
  uint64_t bytes = 0;    ///< of their data
  int64_t left_out = 0;  ///< tensors of the other set of the UNet's weights
};

/// Writes the weights of a checkpoint, one set of the UNet's and nothing else, to a new file: .ckpt
/// as torch.save writes it, or .safetensors. Throws kUsage for another ending, kCheckpoint if the
/// averaged weights are wanted and not there or not complete, or a weight lies beyond half
/// precision, and kFile if the file cannot be written or its name is taken.
ConvertResult convert_checkpoint(const std::shared_ptr<const Checkpoint>& checkpoint,
                                 const std::string& path, const ConvertOptions& options);

}  // namespace sd::weights
