#pragma once

#include <string_view>

namespace sd::weights {

/// Throws kCheckpoint for a file in none of the formats of checkpoints: says what it is, if it is
/// something that is given or saved for one by mistake, else how it begins.
[[noreturn]] void refuse_mistaken(std::string_view file);

}  // namespace sd::weights
