#pragma once

#include <cstdint>
#include <string>

namespace sd::job {

/// The most bytes of a config, an init image and a checkpoint that a picture may name.
inline constexpr uint64_t kMostConfigBytes = uint64_t{1} << 20;
inline constexpr uint64_t kMostInitBytes = uint64_t{1} << 30;
inline constexpr uint64_t kMostCheckpointBytes = uint64_t{1} << 36;

/// The path of a file that a picture's record, and not the user, names, if it is there; says so
/// then. Else empty. `recorded`: as `recorded_path` wrote it; `what`: "checkpoint", say. Throws
/// Error(kFile) for what is no regular file, empty, or larger than that: a picture may come from
/// anywhere, and must not send the program to devices.
std::string find_named_file(const std::string& recorded, const char* what, uint64_t most_bytes);

/// The path of a checkpoint that a picture names: such a file, or a folder.
std::string find_named_checkpoint(const std::string& recorded);

/// What a picture names as its autoencoder, as `ModelPaths::vae`. Throws Error(kFile) where it is
/// not there.
std::string find_named_vae(const std::string& recorded);

}  // namespace sd::job
