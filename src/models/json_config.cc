#include "models/json_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/json.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "sd/error.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMostConfigBytes = size_t{1} << 20;  // real ones have a few kilobytes
constexpr size_t kLongestList = 8;

/// Discarded for a file that cannot be read or is no JSON within the limits.
nlohmann::json parse_file(const fs::path& path) {
  std::string problem;
  const auto text = read_text_file(path, kMostConfigBytes, &problem);
  return parse_json(text && text->size() <= kMostConfigBytes ? *text : "");
}

std::string shown(const nlohmann::json& value) { return printable(value.dump(), 40); }

}  // namespace

JsonConfig::JsonConfig(const fs::path& path, std::string hint)
    : json_(parse_file(path)), path_(path.string()), hint_(std::move(hint)) {
  if (!json_.is_object()) {
    fail(fmt::format("is not a JSON object of at most {} and {} levels",
                     human_bytes(kMostConfigBytes), JsonLimits().depth));
  }
}

JsonConfig::JsonConfig(const JsonConfig& file, nlohmann::json json)
    : json_(std::move(json)), path_(file.path_), hint_(file.hint_) {}

void JsonConfig::fail(const std::string& what) const {
  throw Error(ErrorKind::kCheckpoint, "config " + printable(path_) + ": " + what, hint_);
}

JsonConfig JsonConfig::merged(std::initializer_list<const char*> keys) const {
  nlohmann::json all = nlohmann::json::object();
  for (const char* key : keys) {
    if (!has(key) || json_[key].is_null()) continue;
    if (!json_[key].is_object()) {
      fail(std::string(key) + " must be an object, found " + shown(json_[key]));
    }
    all.update(json_[key]);
  }
  return JsonConfig(*this, std::move(all));
}

int64_t JsonConfig::integer(const char* key, int64_t fallback, int64_t most) const {
  if (!has(key)) return fallback;
  const nlohmann::json& value = json_[key];
  if (!value.is_number_integer()) fail(std::string(key) + " is not a whole number");
  const bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= INT64_MAX;
  const int64_t number = fits ? value.get<int64_t>() : INT64_MAX;
  if (number < 1 || number > most) {
    fail(std::string(key) + " is out of range: expected 1 to " + std::to_string(most) + ", found " +
         shown(value));
  }
  return number;
}

int64_t JsonConfig::integer_of_levels(const char* key, int64_t fallback, int64_t most) const {
  if (!has(key) || !json_[key].is_array()) return integer(key, fallback, most);
  const std::vector<int64_t> levels = integers(key, {}, most);
  if (std::adjacent_find(levels.begin(), levels.end(), std::not_equal_to<>()) == levels.end()) {
    return levels.front();
  }
  fail(std::string(key) + " must be the same for all levels, found " + shown(json_[key]));
}

bool JsonConfig::boolean(const char* key, bool fallback) const {
  if (!has(key)) return fallback;
  if (!json_[key].is_boolean()) {
    fail(std::string(key) + " must be true or false, found " + shown(json_[key]));
  }
  return json_[key].get<bool>();
}

double JsonConfig::number(const char* key, double fallback) const {
  if (!has(key)) return fallback;
  const nlohmann::json& value = json_[key];
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    fail(std::string(key) + " must be a number, found " + shown(value));
  }
  return value.get<double>();
}

std::vector<int64_t> JsonConfig::integers(const char* key, const std::vector<int64_t>& fallback,
                                          int64_t most) const {
  if (!has(key)) return fallback;
  const nlohmann::json& list = json_[key];
  bool good = list.is_array() && !list.empty() && list.size() <= kLongestList;
  std::vector<int64_t> values;
  for (size_t i = 0; good && i < list.size(); ++i) {
    good = list[i].is_number_integer() && list[i] >= 1 && list[i] <= most;
    if (good) values.push_back(list[i].get<int64_t>());
  }
  if (good) return values;
  fail(std::string(key) +
       fmt::format(" must be a list of 1 to {} whole numbers from 1 to {}", kLongestList, most) +
       ", found " + shown(list));
}

std::vector<std::string> JsonConfig::texts(const char* key,
                                           const std::vector<std::string>& fallback) const {
  if (!has(key)) return fallback;
  const nlohmann::json& list = json_[key];
  bool good = list.is_array() && !list.empty() && list.size() <= kLongestList;
  std::vector<std::string> values;
  for (size_t i = 0; good && i < list.size(); ++i) {
    good = list[i].is_string();
    if (good) values.push_back(list[i].get<std::string>());
  }
  if (good) return values;
  fail(std::string(key) + fmt::format(" must be a list of 1 to {} texts, found ", kLongestList) +
       shown(list));
}

std::vector<double> JsonConfig::numbers(const char* key,
                                        const std::vector<double>& fallback) const {
  if (!has(key)) return fallback;
  const nlohmann::json& list = json_[key];
  bool good = list.is_array() && list.size() == fallback.size();
  std::vector<double> values;
  for (size_t i = 0; good && i < list.size(); ++i) {
    good = list[i].is_number() && std::isfinite(list[i].get<double>());
    if (good) values.push_back(list[i].get<double>());
  }
  if (!good) {
    fail(std::string(key) + " must be a list of " + std::to_string(fallback.size()) +
         " numbers, found " + shown(list));
  }
  return values;
}

std::string JsonConfig::text(const char* key, const char* fallback,
                             std::initializer_list<const char*> allowed) const {
  const nlohmann::json value = has(key) ? json_[key] : nlohmann::json(fallback);
  std::vector<std::string> names;
  for (const char* name : allowed) {
    if (value == name) return name;
    names.emplace_back(name);
  }
  fail(std::string(key) + " must be " + join(names, " or ") + ", found " + shown(value));
}

std::string JsonConfig::class_name() const {
  const auto name = json_.find("_class_name");
  return name != json_.end() && name->is_string() ? printable(name->get<std::string>(), 60) : "";
}

void JsonConfig::only(const char* key, const nlohmann::json& only) const {
  if (has(key) && json_[key] != only) {
    fail(std::string(key) + " must be " + only.dump() + ", found " + shown(json_[key]));
  }
}

}  // namespace sd::models
