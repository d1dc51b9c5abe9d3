#include "job/line_breaks.h"

#include <array>
#include <filesystem>

#include "base/text_file.h"

namespace sd::job {
namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::array<std::string_view, 11> kBreaks = {"\r\n", "\n", "\r",
                                                      // of Python's alone:
                                                      "\v", "\f", "\x1c", "\x1d", "\x1e",
                                                      "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
constexpr size_t kOfJson = 3;

/// Whether a line break may begin with a byte.
constexpr std::array<bool, 256> first_bytes(size_t count) {
  std::array<bool, 256> first = {};
  for (size_t i = 0; i < count; ++i) first[static_cast<unsigned char>(kBreaks[i][0])] = true;
  return first;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

size_t line_break_length(std::string_view text, LineBreaks breaks) {
  const size_t count = breaks == LineBreaks::kJson ? kOfJson : kBreaks.size();
  for (size_t i = 0; i < count; ++i) {
    if (text.substr(0, kBreaks[i].size()) == kBreaks[i]) return kBreaks[i].size();
  }
  return 0;
}

size_t find_line_break(std::string_view text, LineBreaks breaks) {
  static constexpr auto kOfBoth = first_bytes(kOfJson), kOfAll = first_bytes(kBreaks.size());
  const auto& may_begin = breaks == LineBreaks::kJson ? kOfBoth : kOfAll;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!may_begin[static_cast<unsigned char>(text[at])]) continue;
    if (line_break_length(text.substr(at), breaks) > 0) return at;
  }
  return std::string_view::npos;
}

std::vector<std::string> split_lines(const std::string& text, LineBreaks breaks) {
  std::string_view rest = text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> lines;
  while (!rest.empty()) {
    const size_t end = std::min(find_line_break(rest, breaks), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
    rest.remove_prefix(line_break_length(rest, breaks));
  }
  return lines;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(kSpace) == line.npos; }

bool is_json_lines(const std::string& path, std::string_view first_line) {
  if (std::filesystem::path(path).extension() == ".jsonl") return true;
  if (first_line.empty() || first_line.front() != '{') return false;
  const size_t next = first_line.find_first_not_of(kSpace, 1);
  return next != std::string_view::npos && (first_line[next] == '"' || first_line[next] == '}');
}

size_t find_flags(std::string_view line) {
  for (size_t at = line.find("--"); at != std::string_view::npos; at = line.find("--", at + 1)) {
    const bool starts_a_word = at == 0 || kSpace.find(line[at - 1]) != std::string_view::npos;
    if (starts_a_word && at + 2 < line.size() && is_letter(line[at + 2])) return at;
  }
  return std::string_view::npos;
}

}  // namespace sd::job
