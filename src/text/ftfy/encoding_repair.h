#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

namespace sd::text {

/// How much work a text may still cause, in characters looked at. Every repair is repeated until
/// it finds nothing more; on text made for the purpose that takes a number of rounds that grows
/// with its length, and the budget ends it. No text below two thousand characters reaches it.
class WorkBudget {
 public:
  explicit WorkBudget(size_t text_size) : left_(kBase + kPerCharacter * text_size) {}

  /// False when the work is used up: leave the text as it is.
  bool spend(size_t characters) {
    left_ -= std::min(left_, characters);
    return left_ > 0;
  }

 private:
  static constexpr size_t kBase = 4'000'000;
  static constexpr size_t kPerCharacter = 16;
  size_t left_;
};

/// Undoes mojibake: where the text looks like UTF-8 (or Windows-1252) misread in a single-byte
/// encoding, and reading it the right way succeeds, gives what was meant; again and again until
/// nothing changes. As ftfy 6.2.3's fix_encoding with its default options.
std::u32string fix_encoding(std::u32string text, WorkBudget& budget);

/// C1 control characters (U+0080 to U+009F) become what Windows-1252 has in their place.
void fix_c1_controls(std::u32string& text);

}  // namespace sd::text
