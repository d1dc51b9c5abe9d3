#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sd::weights {

/// Where a tensor lies in its file. The formats check every number against the file before they
/// hand one out.
struct TensorInfo {
  std::string name = "";
  at::ScalarType dtype = at::ScalarType::Float;
  /// Where the bytes have to be inflated first: the number of the run in
  /// CheckpointContents::packed; else -1.
  int32_t packed = -1;
  std::vector<int64_t> shape = {};
  std::vector<int64_t> strides = {};  ///< in elements, never negative
  uint64_t offset = 0;  ///< of the first element, from the start of the file or the packed run
  uint64_t bytes = 0;   ///< from the first element to the end of the last one
  /// What it holds where that is nothing this program reads ("C64", "sparse_tensor"). The dtype is
  /// then Undefined, the shape perhaps empty, and there is no data.
  std::string foreign = "";

  int64_t numel() const;
  bool is_contiguous() const;
};

/// The strides of a row-major tensor.
std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& shape);

/// "f32", "bf16", "i64": how messages and `sd inspect` call a dtype.
std::string dtype_name(at::ScalarType dtype);

/// The tensor's dtype in those words, or what a foreign one holds.
std::string dtype_name(const TensorInfo& info);

}  // namespace sd::weights
