#pragma once

#include <string_view>

#include "weights/formats/contents.h"

namespace sd::weights {

/// True if the file begins as a .safetensors file does: a header length, then a JSON object.
bool is_safetensors(std::string_view file);

/// Reads the header of a .safetensors file. Throws kCheckpoint where the header breaks a rule of
/// the format: a field that is missing or doubled, a range that overlaps another, leaves a gap or
/// does not fit its shape. Tensors of a dtype that is not read here are foreign.
CheckpointContents read_safetensors(std::string_view file);

}  // namespace sd::weights
