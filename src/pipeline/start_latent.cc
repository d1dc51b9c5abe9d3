#include "pipeline/start_latent.h"

#include <ATen/ATen.h>

namespace sd::pipeline {
namespace {

/// Makes the start of one pass.
class Starter {
 public:
  Starter(const PassToStart& pass, BatchNoise* noise, FirstStage* first_stage)
      : pass_(pass), batch_(pass.request.batch), noise_(*noise), first_stage_(*first_stage) {}

  StartLatent start() {
    const InitSettings& init = batch_.init;
    if (init.inpainting) mask_.drawn = latent_mask(*init.inpainting, pass_.model.factor);
    if (mask_.drawn.defined()) show("latent_mask", mask_.drawn);
    if (pass_.model.inpaints) mask_.concat = of_batch(shown_channels());
    if (init.starts_sampling() || pass_.make_given) return {noised_latent(), mask_};
    if (has_mode(batch_, InpaintMode::kLdm)) mask_.kept = of_batch(init_latent());
    const at::Tensor noise = of_batch(noise_.start());
    const double sigma = pass_.plan.start.sigma;
    return {sigma == 1 ? noise : noise * sigma, mask_};
  }

 private:
  void show(const char* name, const at::Tensor& tensor) const {
    if (pass_.tap) pass_.tap(name, tensor);
  }

  /// The rows of noise that are the batch's.
  at::Tensor of_batch(const at::Tensor& all) const {
    return all.narrow(0, 0, std::ssize(pass_.request.pictures));
  }

  /// For every row of noise, what the encoder says: [rows, 2C, h, w].
  at::Tensor for_all_rows(const at::Tensor& moments) const {
    return moments.expand({noise_.shape()[0], -1, -1, -1});
  }

  /// A draw from what the encoder says of the init image, for every row of noise: [rows, C, h, w].
  at::Tensor init_latent() {
    const at::Tensor all =
        for_all_rows(first_stage_.moments(batch_.init.image, pass_.progress, pass_.tap));
    show("moments", all);
    const at::Tensor latent = first_stage_.latent(all, noise_.posterior(0));
    show("init_latent", latent);
    return latent;
  }

  /// What a model that inpaints is shown for every row of noise: [rows, C + 1, h, w].
  at::Tensor shown_channels() {
    const at::Tensor all = for_all_rows(first_stage_.shown_moments(batch_, pass_.progress));
    const int64_t number = posterior_draws(pass_.model, batch_) - 1;
    const at::Tensor latent = first_stage_.latent(all, noise_.posterior(number));
    const at::Tensor mask = for_all_rows(shown_mask(batch_, pass_.model.factor));
    const at::Tensor channels = at::cat({mask, latent}, 1);
    show("c_concat", channels);
    return channels;
  }

  /// The noised init image; what is kept of it is in the mask from then on.
  at::Tensor noised_latent() {
    at::Tensor latent = pass_.make_given ? pass_.make_given() : init_latent();
    const at::Tensor noise = noise_.start();
    if (batch_.init.inpainting) {
      latent = filled_latent(latent, noise, mask_, batch_.init.inpainting->fill);
      mask_.kept = of_batch(latent);
    }
    const sampling::Level& start = pass_.plan.start;
    const at::Tensor noised = start.alpha * latent + start.sigma * noise;
    show("z_enc", noised);
    return of_batch(noised);
  }

  const PassToStart& pass_;
  const BatchSettings& batch_;
  BatchNoise& noise_;
  FirstStage& first_stage_;
  LatentMask mask_;
};

}  // namespace

StartLatent start_latent(const PassToStart& pass, BatchNoise* noise, FirstStage* first_stage) {
  return Starter(pass, noise, first_stage).start();
}

}  // namespace sd::pipeline
