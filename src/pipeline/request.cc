#include "sd/request.h"

#include <cmath>
#include <set>

#include "base/strings.h"
#include "models/families.h"
#include "models/model_config.h"
#include "sampling/sampler.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {
namespace {

/// "448 or 512": the multiples next to a size, the lower one only if there is one.
std::string nearest_multiples(int64_t size, int64_t multiple) {
  const int64_t below = size / multiple * multiple;
  const int64_t above = below + multiple;
  if (below < multiple) return std::to_string(multiple);
  if (above > kMaxSide) return std::to_string(kMaxSide / multiple * multiple);
  return std::to_string(below) + " or " + std::to_string(above);
}

void check_side(const char* flag, int64_t side, int64_t multiple) {
  if (side >= multiple && side % multiple == 0 && side <= kMaxSide) return;
  throw Error(ErrorKind::kUsage,
              format("--%s must be a multiple of %lld from %lld to %lld, found %lld", flag,
                     static_cast<long long>(multiple), static_cast<long long>(multiple),
                     static_cast<long long>(kMaxSide / multiple * multiple),
                     static_cast<long long>(side)),
              "the nearest are " + nearest_multiples(side, multiple));
}

}  // namespace

ModelDescription describe_model(const std::string& config_path) {
  const ModelConfig config = read_model_config(config_path);
  ModelDescription description;
  description.family = family_of(config).name;
  description.channels = config.channels;
  description.factor = config.first_stage.factor();
  description.size_multiple = config.size_multiple();
  description.native_size = config.image_size * description.factor;
  description.timesteps = config.timesteps;
  return description;
}

void check_request(const ModelDescription& model, const Request& request) {
  if (request.prompts.empty()) {
    throw Error(ErrorKind::kUsage, "there is no prompt", "give one with --prompt");
  }
  for (const std::string& prompt : request.prompts) check_prompt(prompt);
  check_prompt(request.negative_prompt);
  check_side("H", request.height, model.size_multiple);
  check_side("W", request.width, model.size_multiple);
  const Sampler& sampler = find_sampler(request.sampler);
  sampler.step_count(model.timesteps, request.steps);
  if (request.eta != 0 && !sampler.takes_eta && std::string_view(sampler.name) == "plms") {
    throw Error(ErrorKind::kUsage, format("--ddim_eta must be 0 with --plms, found %g", request.eta),
                "leave --plms out to sample with DDIM, which takes an eta");
  }
  if (!std::isfinite(request.eta) || !std::isfinite(request.scale)) {
    throw Error(ErrorKind::kUsage, "--scale and --ddim_eta must be finite numbers",
                "7.5 and 0 are the usual ones");
  }
  if (request.noise_rows != 0 &&
      request.noise_rows < static_cast<int64_t>(request.prompts.size())) {
    throw Error(ErrorKind::kUsage, "a batch has more prompts than rows of noise",
                "noise_rows must be at least the number of prompts");
  }
}

int64_t steps_taken(const ModelDescription& model, const Request& request) {
  return find_sampler(request.sampler).step_count(model.timesteps, request.steps);
}

}  // namespace sd
