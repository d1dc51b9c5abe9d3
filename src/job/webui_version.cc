#include "job/webui_version.h"

#include <charconv>
#include <regex>
#include <string>

namespace sd::job {
namespace {

std::optional<int> version_number(const std::string& digits) {
  int number = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

/// Without what follows a second dash: a commit's name.
std::string_view without_commit(std::string_view text) {
  const size_t first = text.find('-');
  if (first == 0 || first == std::string_view::npos) return text;
  const size_t second = text.find('-', first + 1);
  return second == first + 1 ? text : text.substr(0, second);
}

}  // namespace

std::optional<WebUiVersion> parse_webui_version(std::string_view text) {
  // Those of Python's packaging (PEP 440) that programs use: 1.8.0, v1.8.0-139, 1.8.0-RC, 1.9.0rc2.
  static const std::regex kForm(
      R"(v?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview|dev)[-_.]?(\d*))?)"
      R"((?:-(\d+)|[-_.]?(?:post|rev|r)[-_.]?(\d*))?)",
      std::regex::icase);
  constexpr size_t kLongest = 100;
  const std::string version(without_commit(text));
  std::smatch parts;
  if (version.size() > kLongest || !std::regex_match(version, parts, kForm)) return std::nullopt;
  WebUiVersion parsed;
  std::string digits;
  for (const char c : parts[1].str() + ".") {
    if (c != '.') {
      digits += c;
      continue;
    }
    const auto number = version_number(digits);
    if (!number) return std::nullopt;
    parsed.numbers.push_back(*number);
    digits.clear();
  }
  while (!parsed.numbers.empty() && parsed.numbers.back() == 0) parsed.numbers.pop_back();
  if (parts[2].matched) parsed.place = -1;
  if (parts[4].matched || parts[5].matched) {
    parsed.place = 1 + version_number(parts[4].str() + parts[5].str()).value_or(0);
  }
  return parsed;
}

}  // namespace sd::job
