#pragma once

#include <string>
#include <string_view>

// HTML's character references, as ftfy 6.2.3 reads them: only those that end in a semicolon.
namespace sd::text {

/// Replaces every reference that has a meaning, once, from left to right.
std::u32string unescape_html(std::u32string_view text);

/// Replaces references until none is left ("&amp;amp;amp;" and deeper), in linear time, as
/// calling unescape_html again and again would. `is_plain` tells the characters that no other
/// repair touches: returns false, with `text` as it was, if some reference yields another one.
bool unescape_html_fully(std::u32string& text, bool (*is_plain)(char32_t));

}  // namespace sd::text
