#pragma once

#include <string>
#include <string_view>

#include "weights/formats/contents.h"

namespace sd::weights {

/// Inflates a run of `archive` into `to`, which has room for `run.bytes`, and checks its CRC-32.
/// Returns what is wrong, or "".
std::string inflate_run(std::string_view archive, const PackedRun& run, char* to);

/// Compares the inflated bytes with the run's CRC-32. Returns what is wrong, or "".
std::string check_crc(const PackedRun& run, std::string_view bytes);

}  // namespace sd::weights
