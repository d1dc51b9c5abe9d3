#pragma once

#include <string>
#include <string_view>

namespace sd::text {

/// ftfy 6.2.3's fix_text with its default options (Robyn Speer; Apache-2.0): line by line,
/// HTML entities, mojibake, ligatures, full-width forms, curly quotes, line breaks, terminal
/// escapes, control characters, NFC, until nothing changes. A '<' leaves the entities of its line
/// and of all later lines alone.
///
/// Surrogates, which ftfy also joins, cannot occur: no input holds them and no step makes one.
std::u32string fix_text(std::u32string_view text);

}  // namespace sd::text
