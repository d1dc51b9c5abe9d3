#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "models/model_config.h"
#include "models/strips.h"
#include "weights/weight_view.h"

namespace sd::models {

/// Called with the name of a part ("decoder.up.1.block.0", …) and what it gave.
using TraceFn = std::function<void(const std::string&, const at::Tensor&)>;

/// How a picture is computed: in strips, or as a whole with a trace of its parts.
struct CoderWork {
  std::optional<StripWork> strips = std::nullopt;
  TraceFn trace = nullptr;
};

/// Which halves of a coder to build at once: many a run never encodes. Both are looked for in the
/// checkpoint.
enum class CoderParts {
  kDecoderFirst,  ///< the encoder when it is first used
  kBoth,
};

/// Between pictures and the latents that samplers work on. Immutable.
class LatentCoder {
 public:
  virtual ~LatentCoder() = default;

  /// The picture of a latent: z [N, C, h, w] → [N, 3, h*f, w*f] f32, about [-1, 1].
  virtual at::Tensor decode(const at::Tensor& z, const CoderWork& work) const = 0;

  /// What there is to say of a picture before noise is drawn: x [N, 3, H, W] in [-1, 1] →
  /// [N, D, H/f, W/f] f32, for `latent` alone.
  virtual at::Tensor encode(const at::Tensor& x, const CoderWork& work) const = 0;

  /// A latent of what `encode` said: noise [N, C, H/f, W/f] → [N, C, H/f, W/f].
  virtual at::Tensor latent(const at::Tensor& encoded, const at::Tensor& noise) const = 0;
};

/// ldm.models.autoencoder.AutoencoderKL, whose latents samplers see times `scale_factor`. `encode`
/// gives mean and log-variance (D = 2C). `view` is the scope "first_stage_model".
std::shared_ptr<const LatentCoder> make_kl_coder(const weights::WeightView& view,
                                                 const AutoencoderConfig& config,
                                                 double scale_factor, CoderParts parts,
                                                 const runtime::KernelPolicy& kernels);

/// TAESD, which gives and takes latents as samplers have them: `encode` gives the latent (D = C).
/// `view` is the scope "taesd" with "decoder.1.weight" and so on, as its own files count.
std::shared_ptr<const LatentCoder> make_taesd_coder(const weights::WeightView& view,
                                                    const TaesdConfig& config, CoderParts parts,
                                                    const runtime::KernelPolicy& kernels);

/// The coder of a model's config.
std::shared_ptr<const LatentCoder> make_coder(const weights::WeightView& view,
                                              const ModelConfig& config, double scale_factor,
                                              CoderParts parts,
                                              const runtime::KernelPolicy& kernels);

}  // namespace sd::models
