#include "job/foreign/xmp.h"

#include <charconv>
#include <utility>

#include "base/escapes.h"
#include "base/strings.h"

namespace sd::job {
namespace {

/// "&#233;" and "&#xE9;" without "&#" and ";".
void append_number(std::string_view digits, std::string* text) {
  const bool hexadecimal = digits.starts_with('x');
  if (hexadecimal) digits.remove_prefix(1);
  uint32_t point = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), point, hexadecimal ? 16 : 10);
  append_utf8(is_code_point(point) ? point : 0xFFFD, *text);
}

std::string unescaped(std::string_view xml) {
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  constexpr size_t kLongest = 12;
  std::string text;
  for (size_t i = 0; i < xml.size();) {
    const size_t end = xml[i] == '&' ? xml.substr(0, i + kLongest).find(';', i) : std::string::npos;
    if (end == std::string::npos) {
      text += xml[i++];
      continue;
    }
    const std::string_view name = xml.substr(i + 1, end - i - 1);
    if (name.starts_with('#')) append_number(name.substr(1), &text);
    for (const auto& [entity, c] : kEntities) {
      if (name == entity) text += c;
    }
    i = end + 1;
  }
  return text;
}

/// Between <NAME …> and </NAME>, or nothing.
std::string_view element(std::string_view xml, const std::string& name) {
  for (size_t at = 0; (at = xml.find("<" + name, at)) != std::string_view::npos;) {
    at += name.size() + 1;
    if (at >= xml.size() || (xml[at] != '>' && xml[at] != ' ' && xml[at] != '\n')) continue;
    const size_t begin = xml.find('>', at);
    const size_t end = begin == std::string_view::npos ? begin : xml.find("</" + name, begin);
    if (end == std::string_view::npos) return {};
    return xml.substr(begin + 1, end - begin - 1);
  }
  return {};
}

/// The value of NAME="…", or nothing.
std::string_view attribute(std::string_view xml, const std::string& name) {
  const std::string start = " " + name + "=\"";
  const size_t at = xml.find(start);
  if (at == std::string_view::npos) return {};
  const size_t begin = at + start.size();
  const size_t end = xml.find('"', begin);
  return end == std::string_view::npos ? std::string_view() : xml.substr(begin, end - begin);
}

}  // namespace

std::string xmp_property(std::string_view packet, std::string_view name) {
  const std::string wanted(name);
  std::string_view value = element(packet, wanted);
  if (value.empty()) return unescaped(attribute(packet, wanted));
  if (value.find("<rdf:li") != std::string_view::npos) value = element(value, "rdf:li");
  return unescaped(value);
}

}  // namespace sd::job
