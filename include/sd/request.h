#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sd/image.h"
#include "sd/settings.h"

namespace sd {

/// The place of a picture's random numbers: together with the other parameters, it is all that is
/// needed to draw it again.
struct DrawRecord {
  uint64_t seed = 0;
  int64_t batch = 1;       ///< pictures in its batch
  int64_t row = 0;         ///< its place among them
  int64_t noise_rows = 1;  ///< rows of every random tensor
  uint64_t offset = 0;     ///< the place in the stream at which the batch's random numbers begin
  // The places of what the batches of a run share:
  std::optional<uint64_t> code_offset;       ///< the fixed code
  std::optional<uint64_t> latent_offset;     ///< the init image's latent
  std::optional<uint64_t> latent_seed = {};  ///< of its stream, if it is not the picture's
  std::optional<uint64_t> variation_seed;
  std::optional<uint64_t> second_seed = {};  ///< of NoisePlace, if it matters
};

/// One batch of pictures.
struct Request {
  BatchSettings batch;
  std::vector<PictureSettings> pictures;  ///< all with guidance or all (at scale 1) without

  /// The place of its random numbers; with rows for every picture.
  NoisePlace noise;
  /// Rows to decode; empty: all.
  std::vector<int64_t> keep = {};
};

namespace models {
struct ModelConfig;
}

/// What must be known of a model before a request for it can be judged.
struct ModelDescription {
  std::string family;          ///< sd-v1, laion400m
  int64_t channels = 4;        ///< of the latent
  int64_t factor = 8;          ///< pixels per latent value, along each side
  bool inpaints = false;       ///< whether the UNet also reads a mask and a masked picture
  int64_t size_multiple = 64;  ///< width and height must be multiples of it
  int64_t native_size = 512;   ///< the side that the model was trained at
  int64_t timesteps = 1000;
  double linear_start = 0.00085;  ///< of the noise schedule, which a checkpoint may replace
  double linear_end = 0.012;
  /// All that the config says, for `Pipeline::load`, so that it is read once per run.
  std::shared_ptr<const models::ModelConfig> config = nullptr;
};

/// The size of the pictures that come out of a batch: that of its second pass, or of what they are
/// pasted into, if there is such.
FitSize result_size(const BatchSettings& batch);

/// The latents that are drawn from what the autoencoder says of a picture, for each row: of the
/// init image, and of what a model that inpaints is shown.
int64_t posterior_draws(const ModelDescription& model, const BatchSettings& batch);

/// Whether the encoder has anything to do: for those, or for pictures of a first pass.
bool needs_encoder(const ModelDescription& model, const BatchSettings& batch);

struct ModelPaths;

/// Reads the config; no weights. Throws as `open_model` does for a config.
ModelDescription describe_model(const ModelPaths& paths);

/// The largest side of a picture that is drawn.
inline constexpr int64_t kMaxSide = 16384;

/// Throws Error(kUsage) for a request that the model cannot serve: a size that is no multiple of
/// what it needs (with the nearest that are), a step count or eta that the sampler cannot take, a
/// scale that is not a number, a strength outside [0, 1], a prompt that is not UTF-8.
void check_request(const ModelDescription& model, const Request& request);

/// The steps that the sampler will really take: for many counts DDIM and PLMS take one more; with
/// an init image, the reference's int(strength * steps) of them.
int64_t steps_taken(const ModelDescription& model, const Request& request);

}  // namespace sd
