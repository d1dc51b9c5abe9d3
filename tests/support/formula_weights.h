#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/model_config.h"
#include "models/random_checkpoint.h"
#include "runtime/data_files.h"
#include "weights/weight_view.h"

// Networks at full size whose weights and inputs follow from a formula
// (models/random_checkpoint.h).

namespace sd::test {

/// The config of Stable Diffusion v1, as it comes with the program.
inline models::ModelConfig v1_config() {
  return models::read_model_config(
      runtime::data_file("configs/stable-diffusion/v1-inference.yaml"));
}

/// The formula's weights for what `build` asks a view for, in memory.
template <class Build>
weights::WeightView formula_weights(const Build& build) {
  const weights::WeightView nothing(
      std::make_shared<const weights::Checkpoint>("nothing", std::map<std::string, at::Tensor>()));
  build(nothing);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, shape] : nothing.report().missing()) {
    at::Tensor values = at::empty(shape, at::kFloat);
    models::fill_by_formula(name, shape, values.data_ptr<float>());
    tensors.emplace(name, std::move(values));
  }
  return weights::WeightView(std::make_shared<const weights::Checkpoint>("formula", tensors));
}

/// An input by formula: uniform, of deviation 1 times `scale`.
inline at::Tensor formula_input(const std::string& name, const std::vector<int64_t>& shape,
                                double scale = 1) {
  at::Tensor values = at::empty(shape, at::kFloat);
  // fill_by_formula divides by sqrt(numel / shape[0]): as a row of columns of one it divides by 1.
  models::fill_by_formula(name, {values.numel(), 1}, values.data_ptr<float>());
  return values * scale;
}

}  // namespace sd::test
