#include "models/part.h"

#include <ATen/ATen.h>

#include "base/log.h"
#include "base/strings.h"

namespace sd {

bool is_too_narrow(const at::Tensor& result, at::ScalarType dtype, const char* what) {
  if (dtype == at::kFloat || at::isfinite(result).all().item<bool>()) return false;
  notice(format("the %s went beyond what %s can hold: computed again, and from now on, in float32",
                what, dtype == at::kHalf ? "float16" : "bfloat16"));
  return true;
}

}  // namespace sd
