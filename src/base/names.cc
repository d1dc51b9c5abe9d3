#include "base/names.h"

#include <algorithm>
#include <numeric>

#include "base/strings.h"

namespace sd {
namespace {

char plain(char c) {
  if (c == ' ' || c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Letters to change, add or take away (Levenshtein's distance).
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t corner = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = corner + (plain(a[i]) == plain(b[j]) ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, corner + 1});
    }
  }
  return row.back();
}

}  // namespace

bool is_name(std::string_view typed, std::string_view name) {
  return std::equal(typed.begin(), typed.end(), name.begin(), name.end(),
                    [](char a, char b) { return plain(a) == plain(b); });
}

bool is_one_of(std::string_view typed, std::string_view names) {
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    if (is_name(typed, names.substr(0, comma))) return true;
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return false;
}

std::vector<std::string> nearest_names(std::string_view typed,
                                       const std::vector<std::string>& names) {
  constexpr size_t kMost = 3;
  typed = typed.substr(0, 100);
  std::vector<std::pair<size_t, std::string>> found;
  for (const std::string& name : names) {
    const size_t letters = distance(typed, name);
    if (2 * letters <= std::max(typed.size(), name.size())) found.emplace_back(letters, name);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (found.size() > kMost) found.resize(kMost);
  std::vector<std::string> nearest;
  nearest.reserve(found.size());
  for (auto& [letters, name] : found) nearest.push_back(std::move(name));
  return nearest;
}

Error unknown_name(const char* kind, std::string_view typed,
                   const std::vector<std::string>& names) {
  const std::vector<std::string> nearest = nearest_names(typed, names);
  return Error(
      ErrorKind::kUsage, std::string("there is no ") + kind + " '" + printable(typed, 40) + "'",
      nearest.empty() ? "there are " + join(names, ", ") : "nearest: " + join(nearest, ", "));
}

}  // namespace sd
