#include "cli/flag_names.h"

#include <algorithm>

#include "job/settings.h"

namespace sd::cli {
namespace {

bool is_key(std::string_view text) {
  const auto belongs = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), belongs);
}

std::string flag_of(std::string_view key) {
  const job::Setting* setting = job::find_setting(key);
  if (setting != nullptr && !setting->flags().empty()) return "--" + setting->flags().front();
  std::string name(key);
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

}  // namespace

std::string with_flags(std::string_view message) {
  std::string shown;
  while (true) {
    const size_t begin = message.find('`');
    const size_t end = begin == std::string_view::npos ? begin : message.find('`', begin + 1);
    if (end == std::string_view::npos) return shown.append(message);
    const std::string_view key = message.substr(begin + 1, end - begin - 1);
    shown.append(message.substr(0, begin));
    if (!is_key(key)) {
      shown.append(message.substr(begin, end - begin));
      message.remove_prefix(end);
      continue;
    }
    shown.append(flag_of(key));
    message.remove_prefix(end + 1);
  }
}

}  // namespace sd::cli
