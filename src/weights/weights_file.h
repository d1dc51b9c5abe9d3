#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weights/formats/writers.h"

namespace sd::weights {

/// Throws kUsage unless the path ends in .safetensors or .ckpt, and kFile where its name is taken.
void require_new_weights_file(const std::string& path);

/// What a network's weight is written as: what is wanted; else float16 where it is stored so and no
/// edit changes it, else float32. (The writers know these two.)
at::ScalarType written_dtype(at::ScalarType stored, bool is_edited,
                             std::optional<at::ScalarType> wanted);

/// Writes the values of a weight as this type. Throws kCheckpoint, with its name, where one lies
/// beyond half precision, and kFile where the file that they come from was cut.
void fill_weight(const std::string& name, const at::Tensor& values, at::ScalarType dtype,
                 char* bytes);

/// Writes a new file in the format that its ending says. Throws as its writer.
void write_weights_file(const std::string& path, const std::vector<TensorToWrite>& tensors,
                        int64_t global_step);

}  // namespace sd::weights
