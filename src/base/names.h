#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sd/error.h"

namespace sd {

/// Whether two names are the same but for case, and for a space or a dash in place of '_'.
bool is_name(std::string_view typed, std::string_view name);

/// Whether `typed` is one of the names in a list with commas between them.
bool is_one_of(std::string_view typed, std::string_view names);

/// Up to three of `names` that differ from `typed` by the fewest letters, nearest first; none that
/// differ by more than half of them.
std::vector<std::string> nearest_names(std::string_view typed,
                                       const std::vector<std::string>& names);

/// The error (kUsage) for a name that is not known: "there is no KIND 'typed'", with the nearest
/// names, or all if none is near.
Error unknown_name(const char* kind, std::string_view typed, const std::vector<std::string>& names);

}  // namespace sd
