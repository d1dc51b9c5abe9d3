#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sd {

/// Where a tensor lies in its file. The formats check every number against the file before they
/// hand one out.
struct TensorInfo {
  std::string name;
  at::ScalarType dtype = at::ScalarType::Float;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements, never negative
  uint64_t offset = 0;           ///< of the first element, from the file's start
  uint64_t bytes = 0;            ///< from the first element to the end of the last one

  int64_t numel() const;
  bool is_contiguous() const;
};

/// The strides of a row-major tensor.
std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& shape);

/// "f32", "bf16", "i64": how messages and `sd inspect` call a dtype.
std::string dtype_name(at::ScalarType dtype);

}  // namespace sd
