#include "models/random_checkpoint.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>

#include "models/latent_diffusion.h"
#include "runtime/parallel.h"
#include "weights/formats/writers.h"

namespace sd::models {
namespace {

uint64_t fnv1a64(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

uint64_t splitmix64(uint64_t z) {
  z += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

weights::TensorToWrite formula_tensor(const std::string& name, const std::vector<int64_t>& shape) {
  return {name, at::kFloat, shape, [name, shape](char* bytes) {
            fill_by_formula(name, shape, reinterpret_cast<float*>(bytes));
          }};
}

weights::TensorToWrite position_ids(int64_t count) {
  return {"cond_stage_model.transformer.text_model.embeddings.position_ids",
          at::kLong,
          {1, count},
          [count](char* bytes) {
            for (int64_t i = 0; i < count; ++i) std::memcpy(bytes + 8 * i, &i, 8);
          }};
}

weights::TensorToWrite alphas_cumprod(const ModelConfig& config) {
  return {"alphas_cumprod", at::kFloat, {config.timesteps}, [config](char* bytes) {
            const auto schedule = sampling::NoiseSchedule::linear(
                config.linear_start, config.linear_end, config.timesteps);
            const auto& alphas = schedule.alphas_cumprod();
            std::memcpy(bytes, alphas.data(), alphas.size() * sizeof(float));
          }};
}

}  // namespace

void fill_by_formula(const std::string& name, const std::vector<int64_t>& shape, float* values) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  if (shape.size() < 2) {
    std::fill_n(values, count, ends_with(name, ".weight") ? 1.0f : 0.0f);
    return;
  }
  const uint64_t start = fnv1a64(name);
  const double fan_in = static_cast<double>(count) / static_cast<double>(shape.front());
  const double width = std::sqrt(3.0 / fan_in);
  constexpr int64_t kGrain = 1 << 16;
  runtime::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t z = splitmix64(start + static_cast<uint64_t>(i));
      const double unit = static_cast<double>(z >> 40) * 0x1p-23 - 1;
      values[i] = static_cast<float>(unit * width);
    }
  });
}

void write_random_checkpoint(const std::string& path, const ModelConfig& config) {
  std::vector<weights::TensorToWrite> tensors;
  for (const auto& [name, shape] : wanted_tensors(config)) {
    tensors.push_back(formula_tensor(name, shape));
  }
  if (config.text_family == TextFamily::kClip) {
    tensors.push_back(position_ids(config.clip_text.max_position_embeddings));
  }
  tensors.push_back(alphas_cumprod(config));
  if (ends_with(path, ".safetensors")) {
    weights::write_safetensors(path, tensors);
  } else {
    weights::write_torch_checkpoint(path, tensors, /*global_step=*/0);
  }
}

}  // namespace sd::models
