#pragma once

#include <c10/core/InferenceMode.h>

#include <string>
#include <vector>

#include "models/random_checkpoint.h"
#include "runtime/exec_policy.h"
#include "sd/pipeline.h"
#include "support/tiny_model.h"

/// Pipelines over checkpoints that a test makes itself.
namespace sd::test {

/// Wide enough that pictures take more than weights do.
inline nlohmann::json medium_config() {
  nlohmann::json config = tiny_config();
  auto& unet = params_of(config, {"unet_config"});
  unet["model_channels"] = 64;
  unet["channel_mult"] = {1, 2, 4};
  unet["attention_resolutions"] = {1, 2};
  auto& first_stage = params_of(config, {"first_stage_config"});
  first_stage["ddconfig"]["ch_mult"] = {1, 2, 4, 4};
  return config;
}

/// A model on the disk, for as long as the object lives.
class ModelOnDisk {
 public:
  explicit ModelOnDisk(const nlohmann::json& config = tiny_config()) {
    const std::string yaml = write_config(folder_, config).string();
    const std::string checkpoint = (folder_ / "model.safetensors").string();
    models::write_random_checkpoint(checkpoint, models::read_model_config(yaml));
    options.model = {.checkpoint = checkpoint, .config = yaml, .weights = WeightChoice::kConfig};
  }

  const std::filesystem::path& folder() const { return folder_.path(); }

  LoadOptions options;

 private:
  TempFolder folder_;
};

inline runtime::ExecPolicy cpu_policy(bool plain, at::ScalarType dtype = at::kFloat) {
  runtime::ExecPolicy policy;
  policy.kernels.plain = plain;
  policy.kernels.isa = runtime::probe_isa();
  policy.dtype = policy.vae_dtype = dtype;
  policy.threads = 1;
  return policy;
}

/// The largest difference, as a part of the largest value.
inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

inline Request small_request(int pictures, int side) {
  Request request;
  request.pictures.resize(static_cast<size_t>(pictures));
  request.noise.rows = pictures;
  request.noise.steps = 1;
  for (PictureSettings& picture : request.pictures) picture.prompt = "a red circle";
  request.batch.width = request.batch.height = side;
  request.batch.steps = 3;
  return request;
}

}  // namespace sd::test
