#include "weights/formats/safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/safetensors_header.h"

namespace sd::weights {
namespace {

using at::ScalarType;

constexpr size_t kLengthBytes = 8;
/// The format's own limit.
constexpr uint64_t kMaxHeader = 100'000'000;

/// Undefined: a dtype that is not read here, of which only the size is known.
struct DtypeRow {
  std::string_view name;
  ScalarType dtype;
  uint64_t bits;
};

constexpr DtypeRow kDtypes[] = {
    {"F32", ScalarType::Float, 32},
    {"F16", ScalarType::Half, 16},
    {"BF16", ScalarType::BFloat16, 16},
    {"F64", ScalarType::Double, 64},
    {"I64", ScalarType::Long, 64},
    {"I32", ScalarType::Int, 32},
    {"I16", ScalarType::Short, 16},
    {"I8", ScalarType::Char, 8},
    {"U8", ScalarType::Byte, 8},
    {"U16", ScalarType::UInt16, 16},
    {"U32", ScalarType::UInt32, 32},
    {"U64", ScalarType::UInt64, 64},
    {"BOOL", ScalarType::Bool, 8},
    {"F8_E4M3", ScalarType::Float8_e4m3fn, 8},
    {"F8_E5M2", ScalarType::Float8_e5m2, 8},
    {"F8_E4M3FNUZ", ScalarType::Undefined, 8},
    {"F8_E5M2FNUZ", ScalarType::Undefined, 8},
    {"F8_E8M0", ScalarType::Undefined, 8},
    {"F6_E2M3", ScalarType::Undefined, 6},
    {"F6_E3M2", ScalarType::Undefined, 6},
    {"F4", ScalarType::Undefined, 4},
    {"C64", ScalarType::Undefined, 64},
};

/// The row of a dtype. Of one that is newer than this table nothing is known: no bits.
DtypeRow find_dtype(std::string_view name) {
  for (const DtypeRow& row : kDtypes) {
    if (row.name == name) return row;
  }
  return {name, ScalarType::Undefined, 0};
}

/// The header's length; the file is known to have one.
uint64_t header_length(std::string_view file) { return little_endian(file.data(), kLengthBytes); }

std::string_view header_text(std::string_view file) {
  const uint64_t length = header_length(file);
  if (length > kMaxHeader) {
    throw damaged(fmt::format("expected a safetensors header of at most {} bytes, found {}",
                              kMaxHeader, length));
  }
  ByteCursor in(file, "safetensors header", kLengthBytes);
  return in.take(length);
}

Error broken(const SafetensorsEntry& entry, const std::string& message) {
  return damaged(message + " for the tensor " + printable(entry.name));
}

/// Every byte of the data part belongs to exactly one tensor.
void check_ranges(const std::vector<SafetensorsEntry>& entries, uint64_t data_bytes) {
  std::vector<const SafetensorsEntry*> by_begin;
  by_begin.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) by_begin.push_back(&entry);
  std::sort(by_begin.begin(), by_begin.end(),
            [](const auto* a, const auto* b) { return a->range < b->range; });
  uint64_t next = 0;
  for (const SafetensorsEntry* entry : by_begin) {
    const uint64_t begin = entry->range[0];
    const uint64_t end = entry->range[1];
    if (begin != next || end < begin || end > data_bytes) {
      throw broken(*entry, fmt::format("expected data from byte {} to at most {}, found {} to {}",
                                       next, data_bytes, begin, end));
    }
    next = end;
  }
  if (next != data_bytes) {
    throw damaged(fmt::format("expected {} bytes of tensor data, found {}", next, data_bytes));
  }
}

/// The bytes that the shape needs.
uint64_t bytes_of(const SafetensorsEntry& entry, uint64_t bits) {
  bool empty = false;
  for (const uint64_t size : entry.shape) {
    // A size of 0 makes the tensor empty, but the others must be numbers to count with all the
    // same.
    if (__builtin_mul_overflow(bits, std::max<uint64_t>(size, 1), &bits) || bits > INT64_MAX) {
      throw broken(entry, "expected a shape that fits in memory");
    }
    empty = empty || size == 0;
  }
  if (empty) return 0;
  if (bits % 8 != 0) throw broken(entry, "expected a whole number of bytes");
  return bits / 8;
}

TensorInfo describe(const SafetensorsEntry& entry, uint64_t data_begin) {
  const DtypeRow dtype = find_dtype(entry.dtype);
  TensorInfo info{.name = entry.name, .dtype = dtype.dtype};
  if (dtype.dtype == ScalarType::Undefined)
    info.foreign = entry.dtype.empty() ? "an unknown kind" : printable(entry.dtype, 40);
  const uint64_t range = entry.range[1] - entry.range[0];
  // Of an unknown dtype only the shape is checked, as one of bytes.
  const uint64_t bytes = bytes_of(entry, dtype.bits == 0 ? 8 : dtype.bits);
  if (bytes != range && dtype.bits != 0) {
    throw broken(entry, fmt::format("expected {} bytes of data, found {}", bytes, range));
  }
  info.shape.assign(entry.shape.begin(), entry.shape.end());
  info.strides = contiguous_strides(info.shape);
  info.offset = data_begin + entry.range[0];
  info.bytes = range;
  return info;
}

}  // namespace

bool is_safetensors(std::string_view file) {
  return file.size() > kLengthBytes && file[kLengthBytes] == '{' &&
         header_length(file) <= kMaxHeader;
}

CheckpointContents read_safetensors(std::string_view file) {
  const std::string_view text = header_text(file);
  SafetensorsHeader header = parse_safetensors_header(text);
  const uint64_t data_begin = kLengthBytes + text.size();
  check_ranges(header.entries, file.size() - data_begin);

  CheckpointContents contents;
  contents.format = "safetensors";
  for (const SafetensorsEntry& entry : header.entries) {
    contents.tensors.push_back(describe(entry, data_begin));
  }
  std::sort(contents.tensors.begin(), contents.tensors.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  contents.metadata = std::move(header.metadata);
  // Converters keep the trainer's counter as text here.
  if (const auto step = contents.metadata.find("global_step"); step != contents.metadata.end()) {
    int64_t number = 0;
    const std::string& digits = step->second;
    const char* end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, number).ptr == end) contents.global_step = number;
  }
  return contents;
}

}  // namespace sd::weights
