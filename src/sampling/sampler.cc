#include "sampling/sampler.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "base/strings.h"
#include "runtime/upload.h"
#include "sampling/samplers/samplers.h"
#include "sd/error.h"

namespace sd {
namespace {

constexpr Sampler kSamplers[] = {
    {"ddim", sample_ddim, Eta::kTaken, /*takes_start=*/true, ddim_steps_taken,
     [](int64_t steps) { return steps; }},
    {"plms", sample_plms, Eta::kRefused, /*takes_start=*/true, ddim_steps_taken,
     [](int64_t steps) { return steps > 0 ? steps + 1 : 0; }},
    {"dpm_solver", sample_dpm_solver, Eta::kIgnored, /*takes_start=*/false, dpm_solver_steps_taken,
     [](int64_t) { return int64_t{0}; }},
};

}  // namespace

std::span<const Sampler> samplers() { return kSamplers; }

const Sampler& find_sampler(std::string_view name) {
  std::vector<std::string> names;
  for (const Sampler& sampler : kSamplers) {
    if (sampler.name == name) return sampler;
    names.emplace_back(sampler.name);
  }
  throw Error(ErrorKind::kUsage, "there is no sampler '" + printable(name, 40) + "'",
              "there are " + join(names, ", "));
}

at::Tensor step_noise(const SampleArgs& args, float weight) {
  std::vector<int64_t> shape = args.x.sizes().vec();
  shape[0] = args.noise_rows;
  const at::Tensor noise = args.noise.normal(shape).narrow(0, 0, args.x.size(0));
  return weight == 0 ? at::Tensor() : uploaded(noise, args.x.device());
}

at::Tensor stochastic_encode(const DdimSchedule& schedule, int64_t index, const at::Tensor& x0,
                             const at::Tensor& noise) {
  const auto at = static_cast<size_t>(std::min(index, schedule.size() - 1));
  return std::sqrt(schedule.alphas[at]) * x0 + schedule.sqrt_one_minus_alphas[at] * noise;
}

}  // namespace sd
