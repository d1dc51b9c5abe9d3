#include "weights/formats/safetensors.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/safetensors_header.h"

namespace sd {
namespace {

using at::ScalarType;

constexpr size_t kLengthBytes = 8;
/// The format's own limit.
constexpr uint64_t kMaxHeader = 100'000'000;

struct DtypeRow {
  std::string_view name;
  ScalarType dtype;
};

constexpr DtypeRow kDtypes[] = {
    {"F32", ScalarType::Float},
    {"F16", ScalarType::Half},
    {"BF16", ScalarType::BFloat16},
    {"F64", ScalarType::Double},
    {"I64", ScalarType::Long},
    {"I32", ScalarType::Int},
    {"I16", ScalarType::Short},
    {"I8", ScalarType::Char},
    {"U8", ScalarType::Byte},
    {"U16", ScalarType::UInt16},
    {"U32", ScalarType::UInt32},
    {"U64", ScalarType::UInt64},
    {"BOOL", ScalarType::Bool},
    {"F8_E4M3", ScalarType::Float8_e4m3fn},
    {"F8_E5M2", ScalarType::Float8_e5m2},
};

std::optional<ScalarType> find_dtype(std::string_view name) {
  for (const DtypeRow& row : kDtypes) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

/// The header's length; the file is known to have one.
uint64_t header_length(std::string_view file) { return little_endian(file.data(), kLengthBytes); }

std::string_view header_text(std::string_view file) {
  const uint64_t length = header_length(file);
  if (length > kMaxHeader) {
    throw damaged(format("expected a safetensors header of at most %llu bytes, found %llu",
                         static_cast<unsigned long long>(kMaxHeader),
                         static_cast<unsigned long long>(length)));
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
  for (const SafetensorsEntry& entry : entries) by_begin.push_back(&entry);
  std::sort(by_begin.begin(), by_begin.end(),
            [](const auto* a, const auto* b) { return a->range < b->range; });
  uint64_t next = 0;
  for (const SafetensorsEntry* entry : by_begin) {
    const uint64_t begin = entry->range[0];
    const uint64_t end = entry->range[1];
    if (begin != next || end < begin || end > data_bytes) {
      throw broken(
          *entry,
          format("expected data from byte %llu to at most %llu, found %llu to %llu",
                 static_cast<unsigned long long>(next), static_cast<unsigned long long>(data_bytes),
                 static_cast<unsigned long long>(begin), static_cast<unsigned long long>(end)));
    }
    next = end;
  }
  if (next != data_bytes) {
    throw damaged(format("expected %llu bytes of tensor data, found %llu",
                         static_cast<unsigned long long>(next),
                         static_cast<unsigned long long>(data_bytes)));
  }
}

TensorInfo describe(const SafetensorsEntry& entry, ScalarType dtype, uint64_t data_begin) {
  TensorInfo info;
  info.name = entry.name;
  info.dtype = dtype;
  uint64_t bytes = c10::elementSize(dtype);
  for (const uint64_t size : entry.shape) {
    // A size of 0 makes the tensor empty, but the others must be numbers to count with all the
    // same.
    if (__builtin_mul_overflow(bytes, std::max<uint64_t>(size, 1), &bytes) || bytes > INT64_MAX) {
      throw broken(entry, "expected a shape that fits in memory");
    }
    info.shape.push_back(static_cast<int64_t>(size));
  }
  if (info.numel() == 0) bytes = 0;
  const uint64_t range = entry.range[1] - entry.range[0];
  if (bytes != range) {
    throw broken(entry, format("expected %llu bytes of data, found %llu",
                               static_cast<unsigned long long>(bytes),
                               static_cast<unsigned long long>(range)));
  }
  info.strides = contiguous_strides(info.shape);
  info.offset = data_begin + entry.range[0];
  info.bytes = bytes;
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
    if (const auto dtype = find_dtype(entry.dtype)) {
      contents.tensors.push_back(describe(entry, *dtype, data_begin));
    } else {
      contents.problems.push_back(
          {entry.name, "expected a dtype of real numbers, found " + printable(entry.dtype, 40)});
    }
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

}  // namespace sd
