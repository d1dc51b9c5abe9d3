#include "text/token_builder.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "sd/error.h"
#include "text/unicode.h"

namespace sd::text {

void TokenBuilder::begin_text(std::u32string_view text) {
  if (!text_.empty()) text_ += U' ';
  stretch_ = text_.size();
  text_ += text;
}

void TokenBuilder::add_word(size_t offset, const std::vector<int32_t>& ids) {
  words_.emplace_back(ids_.size(), stretch_ + offset);
  ids_.insert(ids_.end(), ids.begin(), ids.end());
}

void TokenBuilder::add_special(const SpecialToken& token) {
  begin_text(from_utf8(token.text));
  add_word(0, {token.id});
}

Tokens TokenBuilder::finish(const TokenFrame& frame,
                            const std::function<std::string(int32_t)>& piece_text) const {
  const size_t kept = std::min<size_t>(ids_.size(), kMaxTokens - 2);
  Tokens tokens;
  tokens.used = static_cast<int64_t>(kept) + 2;
  tokens.lost_tokens = static_cast<int64_t>(ids_.size() - kept);
  tokens.ids.push_back(frame.begin);
  tokens.ids.insert(tokens.ids.end(), ids_.begin(),
                    ids_.begin() + static_cast<std::ptrdiff_t>(kept));
  tokens.ids.push_back(frame.end);
  for (const int32_t id : tokens.ids) tokens.pieces.push_back(piece_text(id));
  tokens.ids.resize(kMaxTokens, frame.padding);
  if (tokens.lost_tokens > 0) tokens.lost = words_from(kept);
  return tokens;
}

std::string TokenBuilder::words_from(size_t first) const {
  const auto behind = std::upper_bound(
      words_.begin(), words_.end(), first,
      [](size_t id, const std::pair<size_t, size_t>& word) { return id < word.first; });
  size_t start = std::prev(behind)->second;
  while (start > 0 && text_[start - 1] != U' ') --start;
  std::u32string words;
  for (const char32_t c : std::u32string_view(text_).substr(start)) {
    if (c != U' ' || (!words.empty() && words.back() != U' ')) words += c;
  }
  if (words.ends_with(U' ')) words.pop_back();
  return to_utf8(words);
}

void split_at_special_tokens(std::string_view utf8, std::span<const SpecialToken> tokens,
                             const std::function<void(std::string_view)>& on_text,
                             const std::function<void(const SpecialToken&)>& on_token) {
  size_t start = 0;
  const auto flush = [&](size_t end) {
    if (end > start) on_text(utf8.substr(start, end - start));
  };
  for (size_t at = 0; (at = utf8.find(tokens[0].text[0], at)) != std::string_view::npos;) {
    const auto token = std::find_if(tokens.begin(), tokens.end(), [&](const SpecialToken& t) {
      return utf8.substr(at).starts_with(t.text);
    });
    if (token == tokens.end()) {
      ++at;
      continue;
    }
    flush(at);
    on_token(*token);
    at += token->text.size();
    start = at;
  }
  flush(utf8.size());
}

std::string read_tokenizer_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || bytes.empty()) {
    throw Error(ErrorKind::kFile, "the tokenizer's data cannot be read: " + path.string(),
                "run scripts/setup again, which makes it");
  }
  return bytes;
}

}  // namespace sd::text
