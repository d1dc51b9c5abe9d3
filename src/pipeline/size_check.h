#pragma once

#include <cstdint>

namespace sd::pipeline {

/// Throws Error(kUsage), naming `setting` and the nearest sizes that work, unless `side` is a
/// multiple of `multiple` from `multiple` to `most`.
void check_side(const char* setting, int64_t side, int64_t multiple, int64_t most);

}  // namespace sd::pipeline
