#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

// The elements of a prompt that change with the step.
namespace sd::text {

/// Characters [begin, end) of a text.
struct TextRange {
  size_t begin = 0, end = 0;
};

/// `[before:after:N]` or `[a|b|…]`, which stands at `all`.
struct PromptElement {
  TextRange all;
  std::vector<TextRange> options;  ///< before and after, or the alternatives
  TextRange number;                ///< N; empty in an alternation

  bool alternates() const { return number.begin == number.end; }
};

/// The elements of a text in the order in which they begin, nested ones included. Nothing if the
/// text has none or is to be taken literally.
std::vector<PromptElement> find_elements(std::u32string_view text);

}  // namespace sd::text
