#pragma once

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/adapters/adapter.h"
#include "support/golden.h"
#include "weights/weight_view.h"

/// The small model that the adapters of ../shared/models are for, and its merged weights.
namespace sd::test {

inline models::ModelConfig adapted_config() {
  return models::read_model_config((reference_dir() / "ckpt" / "sd-tiny.yaml").string());
}

inline const models::LayerNames& adapted_layers() {
  static const models::LayerNames names(adapted_config());
  return names;
}

inline std::shared_ptr<const weights::Checkpoint> adapted_checkpoint() {
  return weights::open_checkpoint((reference_dir() / "ckpt" / "sd-tiny.ckpt").string());
}

inline std::string adapter_file(const std::string& name) {
  const auto lora = models_dir() / "lora";
  const auto path = lora / "files" / name;
  return (std::filesystem::exists(path) ? path : lora / "formats" / name).string();
}

/// An adapter at a strength.
struct UsedAdapter {
  std::string file;
  models::AdapterStrength strength;
};

/// The model's weight of this name with the adapters in it.
inline at::Tensor merged_weight(const std::shared_ptr<const weights::Checkpoint>& model,
                                const std::vector<UsedAdapter>& used, const std::string& name) {
  weights::PartSource source{.file = model};
  for (const UsedAdapter& one : used) {
    const auto adapter = models::open_adapter(adapter_file(one.file), adapted_layers());
    source.edits.push_back(models::adapter_edit(adapter, one.strength));
  }
  const weights::WeightView view(source, weights::WeightView::make_report("model", *model));
  return view.get(name, *view.shape_of(name));
}

/// The largest difference of the model's merged weights from those of a file.
inline double largest_difference(const std::vector<UsedAdapter>& used,
                                 const std::filesystem::path& expected) {
  const auto model = adapted_checkpoint();
  const auto golden = weights::open_checkpoint(expected.string());
  double largest = 0;
  for (const weights::TensorInfo& info : golden->index()) {
    const at::Tensor merged = merged_weight(model, used, info.name);
    const at::Tensor of_golden = golden->tensor(info).to(at::kFloat).view(merged.sizes());
    largest = std::max(largest, (merged - of_golden).abs().max().item<double>());
  }
  return largest;
}

}  // namespace sd::test
