#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/random_checkpoint.h"
#include "safety/safety_checker.h"
#include "support/tensor_to_write.h"
#include "support/tiny_model.h"

/// Safety checkers that are small enough for a test to make itself: those of vectors.json, whose
/// weights follow from their names as in scripts/make_safety_vectors.
namespace sd::test {

using Tensors = std::map<std::string, at::Tensor>;

/// The entries of tests/data/safety/vectors.json, one a checker.
inline const nlohmann::json& checker_vectors() {
  static const nlohmann::json all = [] {
    std::ifstream file(std::string(SD_SOURCE_DIR) + "/tests/data/safety/vectors.json");
    return nlohmann::json::parse(file);
  }();
  return all.at("checkers");
}

inline at::Tensor by_formula(const std::string& name, const std::vector<int64_t>& shape) {
  at::Tensor values = at::empty(shape, at::kFloat);
  if (shape.size() > 1) {
    models::fill_by_formula(name, shape, values.mutable_data_ptr<float>());
    return values;
  }
  // As a column, so that it is not all ones or zeros.
  models::fill_by_formula(name, {shape[0], 1}, values.mutable_data_ptr<float>());
  return values.mul_(0.3F).add_(name.ends_with(".weight") ? 1.0 : 0.0);
}

inline std::vector<std::pair<std::string, std::vector<int64_t>>> wanted_tensors(
    const safety::SafetyConfig& config) {
  const weights::WeightView root(std::make_shared<const weights::Checkpoint>("nothing", Tensors()));
  const safety::SafetyChecker checker(root, config, runtime::KernelPolicy{.plain = true});
  return root.report().missing();
}

/// One checker of vectors.json in a folder of its own, with its configs; its weights can be changed
/// before they are written.
class SmallChecker {
 public:
  explicit SmallChecker(const nlohmann::json& vectors = checker_vectors().at(0)) {
    folder.write("config.json", vectors.at("config").dump());
    folder.write("preprocessor_config.json", vectors.at("preprocessor").dump());
    const auto seed = vectors.at("seed").get<std::string>();
    for (const auto& [name, shape] : wanted_tensors(safety::read_safety_config(folder / "any"))) {
      tensors[name] = by_formula(seed + "." + name, shape);
    }
    tensors["concept_embeds_weights"] =
        at::tensor(vectors.at("concept_thresholds").get<std::vector<float>>());
    tensors["special_care_embeds_weights"] =
        at::tensor(vectors.at("special_thresholds").get<std::vector<float>>());
  }

  std::filesystem::path write_safetensors() const {
    const std::filesystem::path path = folder / "model.safetensors";
    weights::write_safetensors(path.string(), all());
    return path;
  }

  std::filesystem::path write_torch() const {
    const std::filesystem::path path = folder / "pytorch_model.bin";
    weights::write_torch_checkpoint(path.string(), all(), /*global_step=*/0);
    return path;
  }

  std::unique_ptr<const safety::SafetyChecker> load() const {
    const weights::WeightView root(
        std::make_shared<const weights::Checkpoint>("a test's weights", tensors));
    auto checker = std::make_unique<const safety::SafetyChecker>(
        root, safety::read_safety_config(folder / "any"),
        runtime::KernelPolicy{.isa = runtime::probe_isa()});
    root.report().throw_if_failed();
    return checker;
  }

  const TempFolder folder;
  Tensors tensors;

 private:
  std::vector<weights::TensorToWrite> all() const {
    std::vector<weights::TensorToWrite> list;
    for (const auto& [name, tensor] : tensors) list.push_back(to_write(name, tensor));
    return list;
  }
};

/// The decoded picture that rounds to this one: [3, H, W] in [-1, 1].
inline at::Tensor decoded(const Image& image) {
  const at::Tensor bytes = at::tensor(image.rgb, at::kByte).reshape({image.height, image.width, 3});
  return bytes.permute({2, 0, 1}).to(at::kFloat).div(127.5).sub(1.0);
}

}  // namespace sd::test
