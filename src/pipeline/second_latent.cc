#include "pipeline/second_latent.h"

#include <ATen/ATen.h>

#include "pipeline/hires.h"
#include "pipeline/picture_tensor.h"
#include "runtime/noise.h"

namespace sd::pipeline {
namespace {

/// The latents of decoded, enlarged and encoded pictures. The encoder's noise is torch's CPU stream
/// of one seed, picture after picture, as in the web UI.
at::Tensor reencode(const FirstPass& first, const at::Tensor& latent, const HiresSize& size,
                    FirstStage* first_stage) {
  const NoisePlace& place = first.request.noise;
  const auto noise =
      runtime::make_noise_source(RngKind::kCpu, place.second_seed.value_or(place.seeds.back()));
  StageProgress stage(first.progress, Stage::kEncode, latent.size(0));
  std::vector<at::Tensor> latents;
  for (int64_t row = 0; row < latent.size(0); ++row) {
    const at::Tensor picture = first_stage->decode(latent.narrow(0, row, 1), stage);
    const Image larger =
        enlarge_picture(tensor_to_image(picture[0]), first.request.batch.hires.upscaler, size);
    const at::Tensor moments = first_stage->encode(bytes_to_tensor(image_bytes(larger)), stage);
    std::vector<int64_t> shape = moments.sizes().vec();
    shape[1] = latent.size(1);
    latents.push_back(first_stage->latent(moments, noise->normal(shape)));
    stage.step_done();
  }
  return at::cat(latents);
}

}  // namespace

at::Tensor second_latent(const FirstPass& first, const at::Tensor& latent,
                         FirstStage* first_stage) {
  const HiresSize size = hires_size(first.request.batch, first.factor);
  const HiresUpscaler upscaler = first.request.batch.hires.upscaler;
  const at::Tensor larger = enlarges_latent(upscaler)
                                ? enlarge_latent(latent.to(at::kCPU), upscaler, size, first.factor)
                                : reencode(first, latent, size, first_stage);
  return cut_surplus(larger, size, first.factor);
}

}  // namespace sd::pipeline
