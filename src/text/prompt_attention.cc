#include <algorithm>
#include <span>

#include "base/strings.h"
#include "sd/error.h"
#include "text/prompt_chars.h"
#include "text/prompt_syntax.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

using View = std::u32string_view;

constexpr double kRound = 1.1;
constexpr double kSquare = 1 / 1.1;
constexpr View kBreakWord = U"BREAK";
constexpr View kSpecial = U"\\()[]:";

/// The web UI's parse_prompt_attention (modules/prompt_parser.py): one pass over the text with two
/// stacks of open brackets, which may cross.
class AttentionParser {
 public:
  explicit AttentionParser(View text) : text_(text) {}

  std::vector<WeightedText> parse() {
    while (at_ < text_.size()) step();
    multiply_open(round_, kRound);
    multiply_open(square_, kSquare);
    return join_parts();
  }

 private:
  void step() {
    switch (text_[at_]) {
      case U'\\':
        return escape();
      case U'(':
        return open(round_);
      case U'[':
        return open(square_);
      case U':':
        return colon();
      case U')':
        return close(round_, kRound);
      case U']':
        return close(square_, kSquare);
      default:
        return text();
    }
  }

  /// `\(` is the bracket; a backslash before anything else is dropped.
  void escape() {
    const View next = text_.substr(at_ + 1, 1);
    const bool escapes = !next.empty() && View(U"()[]\\").find(next[0]) != View::npos;
    add(escapes ? next : View(), 1.0);
    at_ += escapes ? 2 : 1;
  }

  void open(std::vector<size_t>& brackets) {
    brackets.push_back(pieces_.size());
    ++at_;
  }

  void close(std::vector<size_t>& brackets, double weight) {
    if (brackets.empty()) return add_literal(1);
    multiply_from(brackets.back(), weight);
    brackets.pop_back();
    ++at_;
  }

  /// ": 1.2 )", or a colon.
  void colon() {
    size_t end = at_ + 1;
    const auto skip_space = [&] {
      while (end < text_.size() && is_prompt_space(text_[end])) ++end;
    };
    skip_space();
    const size_t number = end;
    if (end < text_.size() && (text_[end] == U'+' || text_[end] == U'-')) ++end;
    const size_t digits = end;
    while (end < text_.size() && (text_[end] == U'.' || is_decimal_digit(text_[end]))) ++end;
    const View value = text_.substr(number, end - number);
    const bool has_digits = end > digits;
    skip_space();
    if (!has_digits || end == text_.size() || text_[end] != U')') return add_literal(1);
    if (round_.empty()) return add_literal(end + 1 - at_);
    multiply_from(round_.back(), weight(value));
    round_.pop_back();
    at_ = end + 1;
  }

  static double weight(View value) {
    if (const auto number = read_decimal(value)) return *number;
    throw Error(ErrorKind::kUsage,
                "a prompt's weight is not a number: \"" + printable(to_utf8(value), 60) + "\"",
                "write a weight like (word:1.2)");
  }

  void text() {
    const size_t end = std::min(text_.find_first_of(kSpecial, at_), text_.size());
    add_literal(end - at_);
  }

  /// So many characters as text; BREAK and the white space around it become a piece of its own.
  void add_literal(size_t length) {
    const View piece = text_.substr(at_, length);
    size_t begin = 0;
    for (const size_t at : find_whole_words(piece, kBreakWord)) {
      size_t end = at;
      while (end > begin && is_prompt_space(piece[end - 1])) --end;
      add(piece.substr(begin, end - begin), 1.0);
      add(kBreakWord, kBreak.weight);
      begin = at + kBreakWord.size();
      while (begin < piece.size() && is_prompt_space(piece[begin])) ++begin;
    }
    add(piece.substr(begin), 1.0);
    at_ += length;
  }

  void add(View text, double weight) {
    pieces_.push_back(text);
    weights_.push_back(weight);
  }

  void multiply_from(size_t first, double weight) {
    for (double& w : std::span(weights_).subspan(first)) w *= weight;
  }

  /// At the end: each bracket in `open` multiplies what follows it. A piece behind n of them is
  /// multiplied n times; pieces of one weight share the products.
  void multiply_open(const std::vector<size_t>& open, double weight) {
    double from = 1, product = 1;
    size_t times = 0, wanted = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      while (wanted < open.size() && open[wanted] <= i) ++wanted;
      if (weights_[i] != from) {
        from = product = weights_[i];
        times = 0;
      }
      for (; times < wanted; ++times) product *= weight;
      weights_[i] = product;
    }
  }

  /// Neighbours of one weight as one piece.
  std::vector<WeightedText> join_parts() const {
    std::vector<WeightedText> result;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (result.empty() || result.back().weight != weights_[i])
        result.push_back({"", weights_[i]});
      result.back().text += to_utf8(pieces_[i]);
    }
    if (result.empty()) result.push_back({"", 1.0});
    return result;
  }

  View text_;
  size_t at_ = 0;
  std::vector<View> pieces_;
  std::vector<double> weights_;         // of the pieces
  std::vector<size_t> round_, square_;  // the piece before which each open bracket stands
};

}  // namespace

std::vector<WeightedText> parse_attention(std::string_view utf8) {
  check_prompt(utf8);
  const std::u32string text = from_utf8(utf8);
  return AttentionParser(text).parse();
}

}  // namespace sd::text
