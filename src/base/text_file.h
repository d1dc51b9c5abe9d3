#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sd {

/// What a text in UTF-8 may begin with, and does not hold.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// All bytes of a small file or pipe, or the first `most` + 1 of a longer one. Nothing if it cannot
/// be opened or read, or is a folder; `*problem` then says why, as in "cannot be opened: …".
std::optional<std::string> read_text_file(const std::filesystem::path& path, size_t most,
                                          std::string* problem);

}  // namespace sd
