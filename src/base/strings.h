#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sd {

/// The items with `separator` between them.
std::string join(const std::vector<std::string>& items, std::string_view separator);

/// "[1, 320, 64, 64]".
std::string shape_string(const int64_t* sizes, size_t count);
inline std::string shape_string(const std::vector<int64_t>& sizes) {
  return shape_string(sizes.data(), sizes.size());
}

/// "4.0 GiB", "12.3 MiB", "17 bytes".
std::string human_bytes(uint64_t bytes);

/// The text with control characters and invalid UTF-8 shown as \xNN, cut after `limit` bytes with
/// "…": what a message may quote of a file's or a user's bytes.
std::string printable(std::string_view text, size_t limit = 200);

/// True if the bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view text);

/// Adds the UTF-8 of a code point that has one: at most U+10FFFF, no surrogate.
void append_utf8(char32_t c, std::string& utf8);

}  // namespace sd
