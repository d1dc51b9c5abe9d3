#include "weights/tensor_info.h"

namespace sd::weights {

int64_t TensorInfo::numel() const {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

bool TensorInfo::is_contiguous() const {
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * (shape[i] > 0 ? shape[i] : 1);
  }
  return strides;
}

std::string dtype_name(at::ScalarType dtype) {
  using at::ScalarType;
  switch (dtype) {
    case ScalarType::Double:
      return "f64";
    case ScalarType::Float:
      return "f32";
    case ScalarType::Half:
      return "f16";
    case ScalarType::BFloat16:
      return "bf16";
    case ScalarType::Float8_e4m3fn:
      return "f8_e4m3";
    case ScalarType::Float8_e5m2:
      return "f8_e5m2";
    case ScalarType::Long:
      return "i64";
    case ScalarType::Int:
      return "i32";
    case ScalarType::Short:
      return "i16";
    case ScalarType::Char:
      return "i8";
    case ScalarType::UInt64:
      return "u64";
    case ScalarType::UInt32:
      return "u32";
    case ScalarType::UInt16:
      return "u16";
    case ScalarType::Byte:
      return "u8";
    case ScalarType::Bool:
      return "bool";
    case ScalarType::ComplexFloat:
      return "c64";
    case ScalarType::ComplexDouble:
      return "c128";
    default:
      return c10::toString(dtype);
  }
}

std::string dtype_name(const TensorInfo& info) {
  return info.foreign.empty() ? dtype_name(info.dtype) : info.foreign;
}

}  // namespace sd::weights
