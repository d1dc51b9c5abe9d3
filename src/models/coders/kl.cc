#include <ATen/ATen.h>

#include "models/autoencoder.h"
#include "models/latent_coder.h"

namespace sd::models {
namespace {

class KlCoder final : public LatentCoder {
 public:
  KlCoder(const weights::WeightView& view, const AutoencoderConfig& config, double scale_factor,
          CoderParts parts, const runtime::KernelPolicy& kernels)
      : autoencoder_(view, config, parts, kernels), scale_factor_(scale_factor) {}

  at::Tensor decode(const at::Tensor& z, const CoderWork& work) const override {
    const at::Tensor scaled = z * (1.0 / scale_factor_);
    return work.strips ? autoencoder_.decode(scaled, *work.strips)
                       : autoencoder_.decode(scaled, work.trace);
  }

  at::Tensor encode(const at::Tensor& x, const CoderWork& work) const override {
    return work.strips ? autoencoder_.moments(x, *work.strips)
                       : autoencoder_.moments(x, work.trace);
  }

  at::Tensor latent(const at::Tensor& encoded, const at::Tensor& noise) const override {
    return sample_posterior(encoded, noise.to(encoded.device())) * scale_factor_;
  }

 private:
  Autoencoder autoencoder_;
  double scale_factor_;
};

}  // namespace

std::shared_ptr<const LatentCoder> make_kl_coder(const weights::WeightView& view,
                                                 const AutoencoderConfig& config,
                                                 double scale_factor, CoderParts parts,
                                                 const runtime::KernelPolicy& kernels) {
  return std::make_shared<const KlCoder>(view, config, scale_factor, parts, kernels);
}

std::shared_ptr<const LatentCoder> make_coder(const weights::WeightView& view,
                                              const ModelConfig& config, double scale_factor,
                                              CoderParts parts,
                                              const runtime::KernelPolicy& kernels) {
  if (config.taesd) return make_taesd_coder(view, *config.taesd, parts, kernels);
  return make_kl_coder(view, config.first_stage, scale_factor, parts, kernels);
}

}  // namespace sd::models
