#include "models/stored_schedule.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <optional>

#include "base/log.h"
#include "base/strings.h"

namespace sd::models {
namespace {

constexpr const char* kStored = "alphas_cumprod";

/// The numbers of a stored tensor as float32.
std::vector<float> values_of(const weights::Checkpoint& checkpoint,
                             const weights::TensorInfo& info) {
  const at::Tensor values = checkpoint.tensor(info).to(at::kFloat).contiguous();
  const float* data = values.const_data_ptr<float>();
  return {data, data + values.numel()};
}

/// Why the stored tensor is no schedule of the config, or "".
std::string tensor_problem(const weights::TensorInfo& info, const ModelConfig& config) {
  if (!info.foreign.empty()) return "holds " + info.foreign;
  if (info.shape == std::vector<int64_t>{config.timesteps}) return "";
  return "has the shape " + shape_string(info.shape) + fmt::format(", not [{}]", config.timesteps);
}

/// The checkpoint's own schedule; nothing where there is none that can be sampled with.
std::optional<sampling::NoiseSchedule> read_stored(const weights::WeightView& root,
                                                   const ModelConfig& config) {
  const weights::TensorInfo* info = root.checkpoint().find(root.full_name(kStored));
  if (info == nullptr) return std::nullopt;
  root.report().record_used(info->name);
  std::vector<float> values;
  std::string problem = tensor_problem(*info, config);
  if (problem.empty()) {
    values = values_of(root.checkpoint(), *info);
    // It was stretched already; the last value becomes another one.
    if (config.zero_snr && values.back() == 0) values.back() = std::numeric_limits<float>::min();
    problem = schedule_problem(values, info->dtype == at::kHalf);
  }
  if (problem.empty()) return sampling::NoiseSchedule(std::move(values));
  notice("schedule: the checkpoint's " + std::string(kStored) + " (" + weights::dtype_name(*info) +
         ") " + problem + ": the config's is used");
  return std::nullopt;
}

}  // namespace

std::string schedule_problem(const std::vector<float>& alphas_cumprod, bool half) {
  for (size_t t = 0; t < alphas_cumprod.size(); ++t) {
    const float alpha = alphas_cumprod[t];
    const float before = t == 0 ? 2.0F : alphas_cumprod[t - 1];
    const bool in_range = alpha > 0 && (t == 0 ? alpha <= 1 : alpha < 1);  // false for NaN, too
    if (in_range && (alpha < before || (half && alpha == before))) continue;
    const char* wrong = in_range ? "does not fall" : "is out of range";
    return fmt::format("{} at step {} ({:g})", wrong, t, alpha);
  }
  return "";
}

bool ends_in_noise(const weights::Checkpoint& checkpoint, const ModelConfig& config) {
  const weights::TensorInfo* info = checkpoint.find(kStored);
  return info != nullptr && tensor_problem(*info, config).empty() &&
         values_of(checkpoint, *info).back() == 0;
}

sampling::NoiseSchedule load_schedule(const weights::WeightView& root, const ModelConfig& config) {
  const sampling::NoiseSchedule schedule =
      read_stored(root, config)
          .value_or(sampling::NoiseSchedule::linear(config.linear_start, config.linear_end,
                                                    config.timesteps));
  return config.zero_snr ? schedule.with_zero_snr() : schedule;
}

double load_scale_factor(const weights::WeightView& root, const ModelConfig& config) {
  if (!config.scale_by_std) return config.scale_factor;
  const auto stored = root.get_optional("scale_factor", {});
  if (!stored) return config.scale_factor;
  const double value = stored->item<float>();
  if (std::isfinite(value) && value != 0) return value;
  notice("the checkpoint's scale_factor is not a number to divide by: the config's is used");
  return config.scale_factor;
}

}  // namespace sd::models
