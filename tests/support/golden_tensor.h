#pragma once

#include <ATen/ATen.h>

#include "support/golden.h"

namespace sd::test {

/// The reference's values as a tensor of their shape and type.
template <typename T>
at::Tensor tensor_of(const Golden<T>& golden) {
  return at::tensor(golden.data).reshape(golden.shape);
}

}  // namespace sd::test
