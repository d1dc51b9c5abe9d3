#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace sd::image {

/// The most bytes of a picture's file.
inline constexpr size_t kMaxFileBytes = size_t{1} << 30;

/// All bytes of a file or pipe.
/// Throws Error(kFile) when it cannot be opened or read, is a folder or a device, or is above
/// kMaxFileBytes.
std::vector<uint8_t> read_file_bytes(const std::filesystem::path& path);

}  // namespace sd::image
