#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace sd::runtime {

/// The path of a file that comes with the program ("configs/stable-diffusion/v1-inference.yaml",
/// "tokenizer/clip.model"), whatever the working directory is.
///
/// Looked for in $SD_DATA_DIR, then in ../share/stable-diffusion beside the program (an installed
/// one), then in the build's and the source's folders. Throws kFile if it is in none of them.
std::filesystem::path data_file(std::string_view name);

/// As `data_file`, but an empty path where there is none.
std::filesystem::path find_data_file(std::string_view name);

/// The folders that are searched, in order.
std::vector<std::filesystem::path> data_folders();

}  // namespace sd::runtime
