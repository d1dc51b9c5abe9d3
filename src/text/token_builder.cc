#include "text/token_builder.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "sd/error.h"
#include "text/unicode.h"

namespace sd {

void TokenBuilder::begin_text(std::u32string_view text) {
  if (!text_.empty()) text_ += U' ';
  stretch_ = text_.size();
  text_ += text;
}

void TokenBuilder::add_word(size_t offset, const std::vector<int32_t>& ids) {
  words_.emplace_back(ids_.size(), stretch_ + offset);
  ids_.insert(ids_.end(), ids.begin(), ids.end());
}

Tokens TokenBuilder::finish(const Frame& frame,
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

std::string read_tokenizer_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || bytes.empty()) {
    throw Error(ErrorKind::kFile, "the tokenizer's data cannot be read: " + path.string(),
                "run scripts/setup again, which makes it");
  }
  return bytes;
}

}  // namespace sd
