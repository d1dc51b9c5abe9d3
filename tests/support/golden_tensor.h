#pragma once

#include <ATen/ATen.h>

#include "support/golden.h"

namespace sd::test {

inline at::Tensor tensor_of(const Golden<float>& golden) {
  return at::tensor(golden.data, at::kFloat).reshape(golden.shape);
}

}  // namespace sd::test
