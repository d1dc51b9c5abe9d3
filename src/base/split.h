#pragma once

#include <string_view>
#include <vector>

namespace sd {

/// The pieces of a text between separators: one more than there are separators, some perhaps empty.
/// They are views of the text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The pieces of a list: an empty text has none.
std::vector<std::string_view> split_list(std::string_view text, char separator);

/// Up to the first line break.
std::string_view first_line(std::string_view text);

}  // namespace sd
