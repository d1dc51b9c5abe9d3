#include "sd/request.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "models/families.h"
#include "models/model_config.h"
#include "pipeline/describe.h"
#include "pipeline/size_check.h"
#include "sampling/noise_schedule.h"
#include "sampling/sampler.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {

void check_side(const char* flag, int64_t side, int64_t multiple, int64_t most) {
  const int64_t largest = most / multiple * multiple;
  if (side >= multiple && side % multiple == 0 && side <= largest) return;
  const int64_t below = std::clamp(side / multiple * multiple, multiple, largest);
  std::string nearest = std::to_string(below);
  if (side > multiple && below < largest) nearest += " and " + std::to_string(below + multiple);
  throw Error(ErrorKind::kUsage,
              format("--%s must be a multiple of %lld from %lld to %lld, found %lld", flag,
                     static_cast<long long>(multiple), static_cast<long long>(multiple),
                     static_cast<long long>(largest), static_cast<long long>(side)),
              "nearest: " + nearest);
}

ModelDescription describe(const ModelConfig& config) {
  ModelDescription description;
  description.family = family_of(config).name;
  description.channels = config.channels;
  description.factor = config.first_stage.factor();
  description.size_multiple = config.size_multiple();
  description.native_size = config.image_size * description.factor;
  description.timesteps = config.timesteps;
  description.linear_start = config.linear_start;
  description.linear_end = config.linear_end;
  return description;
}

ModelDescription describe_model(const std::string& config_path) {
  return describe(read_model_config(config_path));
}

void check_request(const ModelDescription& model, const Request& request) {
  if (request.prompts.empty()) {
    throw Error(ErrorKind::kUsage, "there is no prompt", "give one with --prompt");
  }
  for (const std::string& prompt : request.prompts) check_prompt(prompt);
  check_prompt(request.negative_prompt);
  check_side("H", request.height, model.size_multiple, kMaxSide);
  check_side("W", request.width, model.size_multiple, kMaxSide);
  const Sampler& sampler = find_sampler(request.sampler);
  sampler.step_count(model.timesteps, request.steps);
  if (request.eta != 0 && !sampler.takes_eta && std::string_view(sampler.name) == "plms") {
    throw Error(ErrorKind::kUsage,
                format("--ddim_eta must be 0 with --plms, found %g", request.eta),
                "leave --plms out to sample with DDIM, which takes an eta");
  }
  if (!std::isfinite(request.eta) || !std::isfinite(request.scale)) {
    throw Error(ErrorKind::kUsage, "--scale and --ddim_eta must be finite numbers",
                "7.5 and 0 are the usual ones");
  }
  if (request.eta != 0 && sampler.takes_eta) {  // only a large one can fail
    make_ddim_schedule(NoiseSchedule::linear(model.linear_start, model.linear_end, model.timesteps),
                       request.steps, request.eta);
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
