#include "sampling/noise_stream.h"

#include <ATen/ATen.h>

#include "runtime/upload.h"

namespace sd {

at::Tensor DrawnNoise::next(double weight) {
  const at::Tensor noise = source_.normal(shape_).narrow(0, 0, pictures_);
  return weight == 0 ? at::Tensor() : uploaded(noise, device_);
}

}  // namespace sd
