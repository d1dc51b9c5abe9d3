#include "job/wildcards.h"

#include <fmt/core.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/json.h"
#include "base/log.h"
#include "base/names.h"
#include "base/split.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "job/infotext.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::job {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Lists = std::map<std::string, std::vector<text::WildcardValue>>;

constexpr size_t kMostWildcardFiles = 10'000;
constexpr size_t kMostWildcardBytes = size_t{16} << 20;

std::string read(const fs::path& path) {
  std::string problem;
  const auto text = read_text_file(path, kMostWildcardBytes, &problem);
  if (!text) throw Error(ErrorKind::kFile, printable(path.string()) + " " + problem);
  if (text->size() > kMostWildcardBytes || !is_valid_utf8(*text)) {
    throw Error(ErrorKind::kFile,
                printable(path.string()) + ": expected UTF-8 text of at most 16 MiB");
  }
  return *text;
}

void add_lines(const std::string& text, std::vector<text::WildcardValue>* values) {
  for (const std::string_view each : split(text, '\n')) {
    const std::string_view line = strip(each);
    if (!line.empty() && !line.starts_with('#')) values->push_back({std::string(line), 1});
  }
}

/// "0.5::a": a value with its weight.
text::WildcardValue parse_value(const std::string& text) {
  double weight = 1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), weight);
  const auto used = static_cast<size_t>(parsed.ptr - text.data());
  if (parsed.ec != std::errc() || text.compare(used, 2, "::") != 0) return {text, 1};
  return {text.substr(used + 2), weight};
}

/// Lists of texts by their keys, joined with slashes.
void add_tree(const json& tree, const std::string& name, Lists* lists) {
  if (tree.is_string()) (*lists)[name].push_back(parse_value(tree));
  if (tree.is_object()) {
    for (const auto& [key, value] : tree.items()) {
      add_tree(value, name.empty() ? key : fmt::format("{}/{}", name, key), lists);
    }
  }
  if (!tree.is_array()) return;
  std::vector<text::WildcardValue>& values = (*lists)[name];
  for (const json& item : tree) {
    if (item.is_string()) values.push_back(parse_value(item));
  }
}

/// YAML as such a tree; what is neither list, map nor text is left out.
json tree_of(const YAML::Node& node, int depth) {
  constexpr int kDeepest = 16;
  if (depth > kDeepest) return nullptr;
  if (node.IsScalar()) return node.Scalar();
  json tree;
  if (node.IsSequence()) {
    tree = json::array();
    for (const auto& item : node) tree.push_back(tree_of(item, depth + 1));
  }
  if (node.IsMap()) {
    for (const auto& entry : node) {
      if (entry.first.IsScalar()) tree[entry.first.Scalar()] = tree_of(entry.second, depth + 1);
    }
  }
  return tree;
}

json parse_tree(const fs::path& path, const std::string& text) {
  json tree;
  if (path.extension() == ".json") {
    tree = parse_json(text);
  } else {
    try {
      tree = tree_of(YAML::Load(text), 0);
    } catch (const YAML::Exception& error) {
      throw Error(ErrorKind::kFile, printable(path.string()) + ": " + printable(error.what()));
    }
  }
  if (tree.is_discarded()) throw Error(ErrorKind::kFile, printable(path.string()) + " is not JSON");
  return tree;
}

/// Whether a name fits: `*` is any text without a slash, `**` any text.
bool fits(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() != '*') {
    return !name.empty() && pattern.front() == name.front() &&
           fits(pattern.substr(1), name.substr(1));
  }
  const bool deep = pattern.starts_with("**");
  const std::string_view rest = pattern.substr(deep ? 2 : 1);
  for (size_t length = 0; length <= name.size(); ++length) {
    if (fits(rest, name.substr(length))) return true;
    if (length < name.size() && name[length] == '/' && !deep) return false;
  }
  return false;
}

bool is_tree(const fs::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".json" || ending == ".yaml" || ending == ".yml";
}

}  // namespace

void Wildcards::read_file(const std::string& file, Files* files) const {
  const fs::path path(file);
  const std::string name = path.lexically_relative(folder_).replace_extension().generic_string();
  try {
    if (!is_tree(path)) return add_lines(read(path), &files->lists[name]);
    const json tree = parse_tree(path, read(path));
    add_tree(tree, tree.is_array() ? name : "", &files->lists);
  } catch (const Error& error) {
    detail(std::string("wildcards: ") + error.what());
    files->lists.erase(name);
    files->damaged.push_back({name, is_tree(path), error.what()});
  }
}

Wildcards::Files Wildcards::read_files() const {
  Files files;
  std::error_code error;
  size_t count = 0;
  fs::recursive_directory_iterator entry(folder_, fs::directory_options::follow_directory_symlink,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    constexpr int kDeepest = 8;
    if (entry.depth() > kDeepest) entry.disable_recursion_pending();
    const fs::path& path = entry->path();
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || ++count > kMostWildcardFiles) continue;
    if (path.extension() == ".txt" || is_tree(path)) read_file(path.string(), &files);
  }
  std::sort(files.damaged.begin(), files.damaged.end(),
            [](const Damaged& a, const Damaged& b) { return a.reason < b.reason; });
  return files;
}

const Wildcards::Files& Wildcards::files() {
  if (!files_) files_ = read_files();
  return *files_;
}

std::string Wildcards::sha256() {
  if (files().lists.empty() && files().damaged.empty()) return "";
  weights::Sha256 sum;
  const auto add = [&](const std::string& text) { sum.update(text.c_str(), text.size() + 1); };
  for (const auto& [list, values] : files().lists) {
    std::vector<std::string> texts;
    for (const text::WildcardValue& value : values) {
      texts.push_back(fmt::format("{:.17g} ", value.weight) + value.text);
    }
    std::sort(texts.begin(), texts.end());  // files of one name come in any order
    add(list);
    for (const std::string& text : texts) add(text);
  }
  for (const Damaged& file : files().damaged) add(file.name + " cannot be read");
  return sum.finish();
}

const std::vector<text::WildcardValue>& Wildcards::values(const std::string& name) {
  const auto known = known_.find(name);
  return known != known_.end() ? known->second : known_.emplace(name, find(name)).first->second;
}

/// Adds the values of the lists whose names fit. False where there is no such list.
bool Wildcards::add(const std::string& pattern, std::vector<text::WildcardValue>* values) {
  constexpr size_t kMostStars = 4;  // matching tries each
  const auto stars = std::count(pattern.begin(), pattern.end(), '*');
  if (stars > static_cast<long>(2 * kMostStars)) return false;
  bool found = false;
  for (const auto& [list, of_list] : files().lists) {
    if (!fits(pattern, list)) continue;
    found = true;
    values->insert(values->end(), of_list.begin(), of_list.end());
  }
  for (const Damaged& file : files().damaged) {
    if (fits(pattern, file.name)) {
      throw Error(ErrorKind::kFile, file.reason, "fix the file, or remove it from the folder");
    }
  }
  return found;
}

void Wildcards::refuse(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [list, values] : files().lists) names.push_back(list);
  const auto near = nearest_names(name, names);
  std::string hint =
      near.empty() ? "name the folder with `wildcards`" : "nearest: " + join(near, ", ");
  for (const Damaged& file : files().damaged) {
    if (file.holds_keys) hint = "perhaps it is in a file that cannot be read: " + file.reason;
  }
  throw Error(ErrorKind::kFile,
              "no wildcard " + printable(name, 60) + " below " + printable(folder_), hint);
}

std::vector<text::WildcardValue> Wildcards::find(const std::string& name) {
  std::vector<text::WildcardValue> all;
  const bool many = name.find('*') != std::string::npos;
  for (const Damaged& file : files().damaged) {
    if (!many || !file.holds_keys) continue;  // whose names nobody knows
    throw Error(ErrorKind::kFile, file.reason,
                "fix the file, or remove it from the folder: " + printable(name, 60) +
                    " may refer to its contents");
  }
  bool found = add(name, &all);
  if (all.empty()) found = add("**/" + name, &all) || found;
  if (!found) refuse(name);
  if (all.empty()) {
    throw Error(ErrorKind::kFile,
                "the wildcard " + printable(name, 60) + " below " + printable(folder_) +
                    " is empty: expected one value per line",
                "write values into it, or take it out of the template");
  }
  std::sort(all.begin(), all.end(), [](const text::WildcardValue& a, const text::WildcardValue& b) {
    return a.text < b.text;
  });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace sd::job
