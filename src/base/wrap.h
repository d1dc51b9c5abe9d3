#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sd {

/// Columns that UTF-8 text takes: one a character.
int text_columns(std::string_view text);

/// The text's words in lines of at most `columns` columns; a longer word has a line of its own.
std::vector<std::string> wrap(std::string_view text, int columns);

}  // namespace sd
