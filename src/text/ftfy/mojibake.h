#pragma once

#include <cstddef>
#include <string_view>

// What UTF-8 looks like when it was read in a single-byte encoding. The categories of characters
// and the telling sequences are those of ftfy 6.2.3 (badness.py, chardata.py; Apache-2.0, Robyn
// Speer).
namespace sd::text {

/// True if the text holds a sequence of characters that hardly anyone writes on purpose.
bool is_bad(std::u32string_view text);

/// The length of the longest run of misread UTF-8 sequences that starts at `start`, or 0. A run
/// does not start right behind a character that is itself part of some garble.
size_t misread_utf8_run(std::u32string_view text, size_t start);

}  // namespace sd::text
