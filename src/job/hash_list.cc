#include "job/hash_list.h"

#include <algorithm>

#include "base/split.h"
#include "base/strings.h"
#include "job/infotext.h"

namespace sd::job {

std::string listed_name(std::string name) {
  std::erase_if(name, [](char c) { return c == ':' || c == ','; });
  return name;
}

std::string write_hash_list(const std::vector<NamedHash>& files) {
  std::vector<std::string> all;
  for (const NamedHash& file : files) {
    std::string one = listed_name(file.name) + ": " + file.hash;
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
  }
  return join(all, ", ");
}

std::vector<NamedHash> parse_hash_list(const std::string& text) {
  std::vector<NamedHash> files;
  for (const std::string_view one : split(text, ',')) {
    const size_t colon = one.rfind(':');
    if (colon == std::string_view::npos) continue;
    NamedHash file{std::string(strip(one.substr(0, colon))),
                   std::string(strip(one.substr(colon + 1)))};
    const bool is_new = std::find(files.begin(), files.end(), file) == files.end();
    if (!file.name.empty() && !file.hash.empty() && is_new) files.push_back(std::move(file));
  }
  return files;
}

bool is_start_of(const std::string& recorded, const std::string& hash) {
  constexpr size_t kFewest = 8;
  const auto lower = [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; };
  return recorded.size() >= kFewest && recorded.size() <= hash.size() &&
         std::equal(recorded.begin(), recorded.end(), hash.begin(),
                    [&](char a, char b) { return lower(a) == b; });
}

}  // namespace sd::job
