#include "cli/flag_group.h"

#include <charconv>

#include "sd/error.h"

namespace sd {
namespace {

/// The number that all of `text` is, in decimal; a plus sign may stand before it.
template <class T>
std::optional<T> decimal(const std::string& text) {
  const char* end = text.data() + text.size();
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  T number = 0;
  const auto parsed = std::from_chars(text.data() + (plus ? 1 : 0), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::string spellings(const std::string& name) {
  std::string other = name;
  std::replace(other.begin(), other.end(), '_', '-');
  if (other == name) std::replace(other.begin(), other.end(), '-', '_');
  return other == name ? "--" + name : "--" + name + ",--" + other;
}

int64_t parse_whole_number(const std::string& flag, const std::string& text) {
  if (const auto number = decimal<int64_t>(text)) return *number;
  throw CLI::ValidationError("--" + flag,
                             "expected a whole number, found '" + printable(text, 60) + "'");
}

uint64_t parse_seed(const std::string& text) {
  if (const auto positive = decimal<uint64_t>(text)) return *positive;
  if (const auto negative = decimal<int64_t>(text)) return static_cast<uint64_t>(*negative);
  throw Error(ErrorKind::kUsage,
              "--seed must be a whole number of 64 bits, found '" + printable(text, 60) + "'",
              "the reference's range is 0 to 4294967295");
}

}  // namespace sd
