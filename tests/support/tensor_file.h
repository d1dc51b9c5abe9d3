#pragma once

#include <ATen/ATen.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "weights/formats/writers.h"

namespace sd::test {

/// A tensor as the writers take it: contiguous, f32, f16 or i64.
inline weights::TensorToWrite to_write(const std::string& name, const at::Tensor& tensor) {
  return {name, tensor.scalar_type(), tensor.sizes().vec(), [tensor](char* bytes) {
            if (tensor.nbytes() > 0) {
              std::memcpy(bytes, tensor.const_data_ptr(), tensor.nbytes());
            }
          }};
}

/// Writes a new .safetensors file of tensors; returns its path.
inline std::string write_tensors(const std::filesystem::path& path,
                                 const std::map<std::string, at::Tensor>& tensors) {
  std::vector<weights::TensorToWrite> all;
  for (const auto& [name, tensor] : tensors) all.push_back(to_write(name, tensor));
  weights::write_safetensors(path.string(), all);
  return path.string();
}

}  // namespace sd::test
