#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "image/image_io.h"

namespace sd {

/// The most bytes of a picture's file.
inline constexpr size_t kMaxFileBytes = size_t{1} << 30;

/// All bytes of a file or pipe.
/// Throws Error(kFile) when it cannot be opened or read, is a folder, or is above kMaxFileBytes.
std::vector<uint8_t> read_file_bytes(const std::filesystem::path& path);

/// Writes a file that is never seen half-written, under a name that nothing has yet. The bytes go
/// to a temporary name in the same folder first, and to the disk, and then get their name.
/// Throws Error(kFile) when they cannot be written; the temporary file is gone then.
WriteOutcome write_new_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace sd
