#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace sd {

/// All bytes of a small file or pipe, or the first `most` + 1 of a longer one. Nothing if it cannot
/// be opened or read, or is a folder; `*problem` then says why, as in "cannot be opened: …".
std::optional<std::string> read_text_file(const std::filesystem::path& path, size_t most,
                                          std::string* problem);

}  // namespace sd
