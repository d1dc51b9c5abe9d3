#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sd {

/// One batch of pictures of one size.
struct Request {
  /// One picture each, UTF-8.
  std::vector<std::string> prompts;
  /// What guidance leads away from; the reference has none, which is the empty text.
  std::string negative_prompt;
  int width = 512;               ///< of the pictures, in pixels
  int height = 512;              ///< likewise
  std::string sampler = "ddim";  ///< ddim | plms | dpm_solver
  int64_t steps = 50;
  double eta = 0;      ///< DDIM only: 0 deterministic, 1 as DDPM
  double scale = 7.5;  ///< of the guidance; at 1 there is none
  /// Rows of every random tensor, at least one a prompt; 0: as many as prompts. The reference
  /// draws n_samples rows whatever the batch.
  int64_t noise_rows = 0;
  /// Start every batch of the session from the same noise.
  bool fixed_code = false;
};

/// What must be known of a model before a request for it can be judged.
struct ModelDescription {
  std::string family;          ///< sd-v1, laion400m
  int64_t channels = 4;        ///< of the latent
  int64_t factor = 8;          ///< pixels a latent value stands for, along each side
  int64_t size_multiple = 64;  ///< width and height must be multiples of it
  int64_t native_size = 512;   ///< the side that the model was trained at
  int64_t timesteps = 1000;
  double linear_start = 0.00085;  ///< of the noise schedule, which a checkpoint may replace
  double linear_end = 0.012;
};

/// Reads the config; no weights. Throws as `read_model_config`.
ModelDescription describe_model(const std::string& config);

/// The largest side of a picture that is drawn.
inline constexpr int64_t kMaxSide = 16384;

/// Throws Error(kUsage) for a request that the model cannot serve: a size that is no multiple of
/// what it needs (with the nearest that are), a step count or eta that the sampler cannot take, a
/// scale that is not a number, a prompt that is not UTF-8.
void check_request(const ModelDescription& model, const Request& request);

/// The steps that the sampler will really take: for many counts DDIM and PLMS take one more.
int64_t steps_taken(const ModelDescription& model, const Request& request);

}  // namespace sd
