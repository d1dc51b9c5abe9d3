#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/descriptor.h"

namespace sd {

/// Whether a regular file has that name, or a link to one.
bool is_regular(const std::filesystem::path& path);

/// Whether something has that name; no where that is a link to nowhere. Throws Error(kFile) where a
/// folder on the way may not be entered, so that it cannot be told.
bool is_found(const std::filesystem::path& path);

/// Opens a file to read it. Throws Error(kFile) if it is absent, cannot be read, is no regular file
/// (a device or pipe may have no end), is empty, or has more than `most_bytes`.
Descriptor open_regular_file(const std::string& path, uint64_t most_bytes = UINT64_MAX);

}  // namespace sd
