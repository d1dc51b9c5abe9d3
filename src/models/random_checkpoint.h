#pragma once

#include <string>

#include "models/model_config.h"

namespace sd::models {

/// Writes a checkpoint of the config's layout whose weights follow from their names alone, so that
/// two programs that know the formula agree on every value:
///
///   h = FNV-1a 64 of the tensor's name; z = splitmix64(h + i) for its i-th value, row by row;
///   u = (z >> 40)·2^-23 - 1, in [-1, 1).
///
/// Tensors of two and more dimensions are float32(u·sqrt(3·shape[0]/numel)), which keeps
/// activations near unit variance; vectors are 1 where the name ends in ".weight" and 0 where in
/// ".bias". The format follows the path's ending: .safetensors, or torch.save's zip otherwise.
/// Throws kFile if the file cannot be written or is already there.
void write_random_checkpoint(const std::string& path, const ModelConfig& config);

/// The formula's values for one tensor.
void fill_by_formula(const std::string& name, const std::vector<int64_t>& shape, float* values);

}  // namespace sd::models
