#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sd::weights {

/// A tensor to be written: its bytes are made only when it is its turn.
struct TensorToWrite {
  std::string name;
  at::ScalarType dtype = at::kFloat;  ///< f32, f16 or i64
  std::vector<int64_t> shape;
  std::function<void(char* bytes)> fill;  ///< writes numel() * element size bytes

  int64_t numel() const;
  uint64_t bytes() const;
};

/// Writes a .safetensors file. The file appears under its name complete or not at all; an existing
/// one is refused. Throws kFile.
void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors);

/// Writes what torch.save writes for {"state_dict": OrderedDict(tensors), "global_step": step}: a
/// zip (zip64 where it must be) of stored members, tensor data on multiples of 64 bytes. As above.
void write_torch_checkpoint(const std::string& path, const std::vector<TensorToWrite>& tensors,
                            int64_t global_step);

}  // namespace sd::weights
