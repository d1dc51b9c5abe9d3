#pragma once

#include <string>

namespace sd::cli {

/// CLI11 splits a word in brackets, where an option takes several, as a list: a mark at its end
/// keeps it whole until it is taken off again.
constexpr char kWholeWord = '\x1f';

inline std::string marked(std::string word) {
  const bool is_list = word.size() > 1 && word.front() == '[' && word.back() == ']';
  return is_list ? word + kWholeWord : word;
}

inline std::string unmarked(std::string word) {
  if (!word.empty() && word.back() == kWholeWord) word.pop_back();
  return word;
}

}  // namespace sd::cli
