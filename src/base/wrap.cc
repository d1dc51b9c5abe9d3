#include "base/wrap.h"

#include <algorithm>

#include "base/split.h"

namespace sd {

int text_columns(std::string_view text) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<int>(std::count_if(text.begin(), text.end(), begins));
}

std::vector<std::string> wrap(std::string_view text, int columns) {
  std::vector<std::string> lines;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    const bool fits =
        !lines.empty() && text_columns(lines.back()) + 1 + text_columns(word) <= columns;
    if (fits) {
      lines.back().append(" ").append(word);
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

}  // namespace sd
