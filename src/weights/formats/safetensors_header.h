#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sd::weights {

/// One tensor as the header tells it, unchecked.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<uint64_t> shape;
  std::vector<uint64_t> range;  ///< begin and end in the data part
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the header's order, each name once
  std::map<std::string, std::string> metadata;
};

/// Parses the JSON of a header without building a tree of it. Throws kCheckpoint for anything but
/// { "__metadata__": {text: text, …} or null, name: {"dtype": text, "shape": [number, …],
/// "data_offsets": [number, number]}, … }. Other fields of a tensor, and metadata that are no text,
/// are passed over.
SafetensorsHeader parse_safetensors_header(std::string_view json);

}  // namespace sd::weights
