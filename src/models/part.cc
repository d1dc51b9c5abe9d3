#include "models/part.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include "base/log.h"

namespace sd::models {

bool is_too_narrow(const at::Tensor& result, at::ScalarType dtype, const char* what) {
  if (dtype == at::kFloat || at::isfinite(result).all().item<bool>()) return false;
  notice(fmt::format(
      "the {} went beyond what {} can hold: it is computed in float32, now and from now on", what,
      dtype == at::kHalf ? "float16" : "bfloat16"));
  return true;
}

}  // namespace sd::models
