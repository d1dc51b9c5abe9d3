#include "sd/pipeline.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "base/log.h"
#include "models/families.h"
#include "pipeline/describe.h"
#include "pipeline/model.h"
#include "runtime/profile.h"

namespace sd {

Pipeline::Pipeline(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

Pipeline Pipeline::load(const LoadOptions& options) {
  const c10::InferenceMode inference;
  const Zone zone("load");
  ExecPolicy policy = resolve(options.device, probe_host(options.device));
  apply_threads(policy);
  apply_device(policy);
  apply_memory(policy);
  notice(policy.reason);
  const ModelConfig config = read_model_config(options.model.config);
  auto tokenizer = in_zone("tokenizer", [&] { return make_tokenizer(config); });
  const auto parts = options.init_images ? Autoencoder::Parts::kBoth : Autoencoder::Parts::kDecoder;
  LatentDiffusion diffusion = load_latent_diffusion(open_checkpoint(options.model.checkpoint),
                                                    config, options.model.weights, parts, policy);
  std::unique_ptr<const SafetyChecker> checker;
  if (options.safety.mode != SafetyMode::kOff) {
    checker = load_safety_checker(options.safety.checkpoint, policy.kernels);
  }
  return Pipeline(std::make_shared<const Model>(Model{std::move(policy), describe(config),
                                                      std::move(tokenizer), std::move(diffusion),
                                                      options.safety.mode, std::move(checker)}));
}

const ModelDescription& Pipeline::description() const { return model_->description; }
bool Pipeline::ema() const { return model_->diffusion.ema; }
const DeviceOptions& Pipeline::device() const { return model_->policy.chosen; }

}  // namespace sd
