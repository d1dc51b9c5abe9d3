#include "sampling/noise_stream.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "runtime/upload.h"

namespace sd::sampling {

at::Tensor DrawnNoise::next(double weight) {
  const at::Tensor noise = source_.normal(shape_).narrow(0, 0, pictures_);
  return weight == 0 ? at::Tensor() : runtime::upload(noise, device_);
}

at::Tensor DrawnNoise::between(double from, double to) {
  TORCH_CHECK(std::ssize(paths_) == pictures_, "one path a picture");
  const auto a = static_cast<float>(from), b = static_cast<float>(to);
  const float root = std::sqrt(std::abs(b - a));
  std::vector<at::Tensor> increments;
  for (const BrownianTree& path : paths_) {
    const at::Tensor w = path.increment(std::min(a, b), std::max(a, b));
    increments.push_back((a > b ? -w : w) / root);
  }
  return runtime::upload(at::stack(increments), device_);
}

}  // namespace sd::sampling
