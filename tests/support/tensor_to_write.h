#pragma once

#include <ATen/ATen.h>

#include <cstring>
#include <string>

#include "weights/formats/writers.h"

namespace sd::test {

/// What a writer of checkpoints asks of a tensor.
inline weights::TensorToWrite to_write(const std::string& name, const at::Tensor& tensor) {
  return {name, tensor.scalar_type(), tensor.sizes().vec(),
          [values = tensor.contiguous()](char* bytes) {
            std::memcpy(bytes, values.const_data_ptr(), values.nbytes());
          }};
}

}  // namespace sd::test
