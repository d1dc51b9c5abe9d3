#include "pipeline/preview.h"

#include <ATen/ATen.h>

#include <cmath>

#include "image/grid.h"

namespace sd::pipeline {

at::Tensor linear_preview(const at::Tensor& z) {
  // The web UI's "Approx cheap" (v1.10.1, modules/sd_vae_approx.py); a row for each channel of the
  // latent. Of the three published sets it comes nearest to the built-in model's pictures.
  static const std::vector<float> kFactors = {0.298F,  0.207F,  0.208F,  //
                                              0.187F,  0.286F,  0.173F,  //
                                              -0.158F, 0.189F,  0.264F,  //
                                              -0.184F, -0.271F, -0.473F};
  const at::Tensor factors = at::tensor(kFactors).view({4, 3});
  // [N, 4, h, w] → [N, h, w, 3] → [N, 3, h, w]
  return at::matmul(z.permute({0, 2, 3, 1}).to(at::kFloat), factors).permute({0, 3, 1, 2});
}

Image side_by_side(const std::vector<Image>& pictures) {
  const auto columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(pictures.size()))));
  return image::make_grid(pictures, columns);
}

}  // namespace sd::pipeline
