#include "text/prompt_elements.h"

#include <algorithm>
#include <optional>

#include "text/prompt_chars.h"

namespace sd::text {
namespace {

using View = std::u32string_view;

/// A bracket that is open, and the separators in it so far.
struct Open {
  size_t at;
  bool square;
  std::vector<size_t> colons, bars;
};

/// N and nothing else, white space around it dropped: an ASCII number.
std::optional<TextRange> number_in(View text, TextRange range) {
  while (range.begin < range.end && is_prompt_space(text[range.begin])) ++range.begin;
  while (range.begin < range.end && is_prompt_space(text[range.end - 1])) --range.end;
  const View number = text.substr(range.begin, range.end - range.begin);
  const bool is_ascii =
      std::all_of(number.begin(), number.end(), [](char32_t c) { return c < 128; });
  if (!is_ascii || !read_decimal(number)) return std::nullopt;
  return range;
}

std::vector<TextRange> between(size_t begin, const std::vector<size_t>& separators, size_t end) {
  std::vector<TextRange> ranges;
  for (const size_t at : separators) {
    ranges.push_back({begin, at});
    begin = at + 1;
  }
  ranges.push_back({begin, end});
  return ranges;
}

/// One pass with a stack of open brackets. An element is well-formed only if all in it is: a
/// bracket that turns out to be text makes text of those around it, which are still open.
class ElementFinder {
 public:
  explicit ElementFinder(View text) : text_(text) {}

  std::vector<PromptElement> find() {
    for (size_t i = 0; i < text_.size() && !literal_; ++i) {
      if (text_[i] != U'\\') {
        take(i);
      } else if (++i == text_.size() || text_[i] == U'\n') {
        literal_ = true;
      }
    }
    drop_open();
    if (literal_) return {};
    std::sort(found_.begin(), found_.end(), [](const PromptElement& a, const PromptElement& b) {
      return a.all.begin < b.all.begin;
    });
    return std::move(found_);
  }

 private:
  void take(size_t i) {
    switch (text_[i]) {
      case U'(':
      case U'[':
        return open_.push_back({i, text_[i] == U'[', {}, {}});
      case U')':
        return close_round();
      case U']':
        return close_square(i);
      case U':':
        return colon(i);
      case U'|':
        return bar(i);
      default:
        return;
    }
  }

  void colon(size_t i) {
    if (open_.empty()) return;
    Open& top = open_.back();
    top.colons.push_back(i);
    if (!top.bars.empty() || top.colons.size() > (top.square ? 2 : 1)) drop_open();
  }

  void bar(size_t i) {
    if (open_.empty() || !open_.back().square || !open_.back().colons.empty()) {
      literal_ = true;
    } else {
      open_.back().bars.push_back(i);
    }
  }

  void close_round() {
    if (open_.empty() || open_.back().square) return drop_open();
    open_.pop_back();
  }

  void close_square(size_t i) {
    if (open_.empty() || !open_.back().square) return drop_open();
    const Open top = std::move(open_.back());
    open_.pop_back();
    const TextRange all{top.at, i + 1};
    if (!top.bars.empty()) {
      found_.push_back({all, between(top.at + 1, top.bars, i), {}});
    } else if (!top.colons.empty()) {
      schedule(all, between(top.at + 1, top.colons, i));
    }
  }

  void schedule(TextRange all, std::vector<TextRange> items) {
    const auto number = number_in(text_, items.back());
    if (!number) return drop_open();
    items.pop_back();
    if (items.size() == 1) items.insert(items.begin(), {all.begin + 1, all.begin + 1});
    found_.push_back({all, std::move(items), *number});
  }

  /// What is open is text. A bar among it is stray.
  void drop_open() {
    for (const Open& open : open_) literal_ = literal_ || !open.bars.empty();
    open_.clear();
  }

  View text_;
  std::vector<Open> open_;
  std::vector<PromptElement> found_;
  bool literal_ = false;
};

}  // namespace

std::vector<PromptElement> find_elements(View text) { return ElementFinder(text).find(); }

}  // namespace sd::text
