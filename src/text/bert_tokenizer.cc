#include <algorithm>
#include <string>
#include <unordered_map>

#include "sd/error.h"
#include "text/token_builder.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace sd::text {
namespace {

constexpr int32_t kPad = 0;
constexpr int32_t kUnknownPiece = 100;
constexpr int32_t kBegin = 101;
constexpr int32_t kEnd = 102;
constexpr int32_t kMask = 103;
constexpr int32_t kComma = 1010;
constexpr size_t kWords = 30522;
constexpr size_t kMaxWordLength = 100;

constexpr SpecialToken kBertSpecials[] = {{"[PAD]", kPad},
                                          {"[UNK]", kUnknownPiece},
                                          {"[CLS]", kBegin},
                                          {"[SEP]", kEnd},
                                          {"[MASK]", kMask}};

/// The ideographs that BERT takes for words of their own, in the ranges of the reference's
/// tokenizer (its fifth leaves out the first 256 characters of Extension E).
bool is_ideograph(char32_t c) {
  const auto is_between = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return is_between(0x4E00, 0x9FFF) || is_between(0x3400, 0x4DBF) || is_between(0x20000, 0x2A6DF) ||
         is_between(0x2A700, 0x2B81F) || is_between(0x2B920, 0x2CEAF) ||
         is_between(0xF900, 0xFAFF) || is_between(0x2F800, 0x2FA1F);
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) return c > 0x20 && c != 0x7F && !is_ascii_alnum(c);
  return is_punctuation_8(c);
}

/// Without control characters and accents, in lower case, ideographs between spaces, every white
/// space a space.
std::u32string clean(std::u32string_view text) {
  std::u32string spaced;
  spaced.reserve(text.size());
  for (const char32_t c : text) {
    const bool is_line_space = c == U'\t' || c == U'\n' || c == U'\r';
    if (!is_line_space && (c == 0 || c == 0xFFFD || is_control_8(c))) continue;
    if (is_line_space || is_white_space(c)) {
      spaced += U' ';
    } else if (is_ideograph(c)) {
      spaced += {U' ', c, U' '};
    } else {
      spaced += c;
    }
  }
  std::u32string out;
  out.reserve(spaced.size());
  for (const char32_t c : to_nfd(spaced)) {
    if (!is_nonspacing_mark_8(c)) out += to_lower(c);
  }
  return out;
}

class BertTokenizer : public Tokenizer {
 public:
  explicit BertTokenizer(const std::string& vocabulary) {
    std::string_view rest = vocabulary;
    while (!rest.empty()) {
      const size_t length = std::min(rest.find('\n'), rest.size());
      const std::string_view word = rest.substr(0, length);
      rest.remove_prefix(std::min(length + 1, rest.size()));
      const auto id = static_cast<int32_t>(words_.size());
      words_.emplace_back(word);
      const bool continues = word.starts_with("##") && word.size() > 2;
      (continues ? inner_ : first_).emplace(word.substr(continues ? 2 : 0), id);
      longest_ = std::max(longest_, word.size());
    }
  }

  bool is_bert() const {
    return words_.size() == kWords &&
           std::all_of(std::begin(kBertSpecials), std::end(kBertSpecials),
                       [this](const SpecialToken& special) {
                         return words_[static_cast<size_t>(special.id)] == special.text;
                       });
  }

  Tokens encode(std::string_view utf8) const override {
    return build(utf8).finish(frame(), [this](int32_t id) { return piece(id); });
  }

  std::vector<int32_t> content(std::string_view utf8) const override { return build(utf8).ids(); }

  TokenFrame frame() const override { return {kBegin, kEnd, kPad, kComma}; }

  std::string piece(int32_t id) const override { return words_[static_cast<size_t>(id)]; }

 private:
  TokenBuilder build(std::string_view utf8) const {
    check_prompt(utf8);
    TokenBuilder out;
    split_at_special_tokens(
        utf8, kBertSpecials, [&](std::string_view part) { encode_part(part, out); },
        [&](const SpecialToken& token) { out.add_special(token); });
    return out;
  }

  void encode_part(std::string_view utf8, TokenBuilder& out) const {
    const std::u32string text = clean(from_utf8(utf8));
    if (text.empty()) return;
    out.begin_text(text);
    for (size_t i = 0; i < text.size();) {
      if (text[i] == U' ') {
        ++i;
        continue;
      }
      size_t end = i + 1;
      if (!is_punctuation(text[i])) {
        while (end < text.size() && text[end] != U' ' && !is_punctuation(text[end])) ++end;
      }
      out.add_word(i, word_ids(std::u32string_view(text).substr(i, end - i)));
      i = end;
    }
  }

  /// WordPiece: the longest piece, then the longest that continues it, and so on; a word that
  /// cannot be finished is unknown as a whole.
  std::vector<int32_t> word_ids(std::u32string_view word) const {
    if (word.size() > kMaxWordLength) return {kUnknownPiece};
    const std::string bytes = to_utf8(word);
    std::vector<int32_t> ids;
    for (size_t start = 0; start < bytes.size();) {
      const auto& pieces = start == 0 ? first_ : inner_;
      size_t length = std::min(bytes.size() - start, longest_);
      auto found = pieces.find(bytes.substr(start, length));
      while (found == pieces.end() && --length > 0) {
        found = pieces.find(bytes.substr(start, length));
      }
      if (found == pieces.end()) return {kUnknownPiece};
      ids.push_back(found->second);
      start += length;
    }
    return ids;
  }

  std::vector<std::string> words_;                  // by id
  std::unordered_map<std::string, int32_t> first_;  // pieces that begin a word
  std::unordered_map<std::string, int32_t> inner_;  // pieces that continue one, without "##"
  size_t longest_ = 0;                              // bytes of the longest piece
};

}  // namespace

std::unique_ptr<Tokenizer> make_bert_tokenizer(const std::filesystem::path& vocab_file) {
  auto tokenizer = std::make_unique<BertTokenizer>(read_tokenizer_file(vocab_file));
  if (!tokenizer->is_bert()) {
    throw Error(ErrorKind::kFile, vocab_file.string() + " is not the vocabulary bert-base-uncased",
                "run scripts/setup again, which fetches it");
  }
  return tokenizer;
}

}  // namespace sd::text
