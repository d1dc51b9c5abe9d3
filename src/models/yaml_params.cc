#include "models/yaml_params.h"

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>

#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "base/text_file.h"
#include "sd/error.h"

namespace sd::models {
namespace fs = std::filesystem;
namespace {

// Real configs have some 3,000 bytes, 150 values and 8 levels.
constexpr size_t kMostYamlBytes = size_t{256} << 10;
constexpr size_t kMostValues = 10'000;
constexpr size_t kMostLevels = 50;

/// Follows the parser through a file before a tree of it is built, which takes time that grows as
/// the square of a list's length, and in which the first of two equal keys wins. Throws
/// std::length_error, and YAML::ParserException for a key that stands twice in its map, as
/// OmegaConf, which the reference reads configs with, refuses it.
class CheckedEvents : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override { count(); }
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { count(); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& text) override {
    if (count() && !levels_.back().keys.insert(text).second && text != kMerge) {
      throw YAML::ParserException(mark, "the key '" + text + "' stands twice");
    }
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    enter(/*is_map=*/false);
  }
  void OnSequenceEnd() override { levels_.pop_back(); }
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    enter(/*is_map=*/true);
  }
  void OnMapEnd() override { levels_.pop_back(); }

 private:
  static constexpr const char* kMerge = "<<";

  struct Level {
    bool is_map = false, key_is_next = true;
    std::set<std::string> keys;
  };

  /// Whether this value is a key of a map.
  bool count() {
    if (++values_ > kMostValues) throw std::length_error(fmt::format("{} values", kMostValues));
    if (levels_.empty() || !levels_.back().is_map) return false;
    return std::exchange(levels_.back().key_is_next, !levels_.back().key_is_next);
  }
  void enter(bool is_map) {
    count();
    if (levels_.size() == kMostLevels) {
      throw std::length_error(fmt::format("{} levels", kMostLevels));
    }
    levels_.push_back({.is_map = is_map, .key_is_next = true, .keys = {}});
  }

  size_t values_ = 0;
  std::vector<Level> levels_;
};

YAML::Node parse_checked(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  CheckedEvents events;
  parser.HandleNextDocument(events);
  return YAML::Load(text);
}

std::string shown(const YAML::Node& value) {
  if (!value || value.IsNull()) return "nothing";
  if (value.IsScalar()) return "'" + printable(value.Scalar(), 60) + "'";
  return value.IsSequence() ? "a list" : "a map";
}

}  // namespace

YAML::Node read_yaml(const fs::path& path) {
  constexpr const char* kHint = "give `config` the YAML file of the model";
  const std::string shown_path = printable(path.string());
  std::string problem;
  const auto text = read_text_file(path, kMostYamlBytes, &problem);
  if (!text) throw Error(ErrorKind::kFile, "the config " + shown_path + " " + problem, kHint);
  if (text->size() > kMostYamlBytes) {
    throw Error(ErrorKind::kCheckpoint,
                "the config " + shown_path + " is longer than " + human_bytes(kMostYamlBytes),
                kHint);
  }
  try {
    const YAML::Node root = parse_checked(*text);
    return root.IsMap() ? root : YAML::Node(YAML::NodeType::Map);
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::kCheckpoint,
                "the config " + shown_path + " is not YAML: " + printable(error.what()), kHint);
  } catch (const std::length_error& error) {
    throw Error(ErrorKind::kCheckpoint,
                "expected a config of at most " + std::string(error.what()) + ", found more in " +
                    shown_path,
                kHint);
  }
}

Params::Params(const YAML::Node& node, std::string name, const fs::path& file)
    : node_(node), name_(std::move(name)), file_(file) {
  if (node_ && !node_.IsMap() && !node_.IsNull()) fail(name_, "a map of keys", node_);
}

template <class T>
T Params::get(const std::string& key, T fallback, const char* kind) {
  const YAML::Node value = take(key);
  if (!value || value.IsNull()) return fallback;
  try {
    return value.as<T>();
  } catch (const YAML::Exception&) {
    fail(key, kind);
  }
}

int64_t Params::integer(const std::string& key, int64_t fallback, int64_t most) {
  const auto value = get<int64_t>(key, fallback, "a whole number");
  if ((value < 1 || value > most) && value != fallback) {
    fail(key, fmt::format("a whole number from 1 to {}", most));
  }
  return value;
}

double Params::number(const std::string& key, double fallback) {
  return get<double>(key, fallback, "a number");
}

bool Params::boolean(const std::string& key, bool fallback) {
  return get<bool>(key, fallback, "True or False");
}

std::string Params::text(const std::string& key, const std::string& fallback) {
  return get<std::string>(key, fallback, "a text");
}

std::vector<int64_t> Params::integers(const std::string& key,
                                      const std::vector<int64_t>& fallback) {
  auto values = get<std::vector<int64_t>>(key, fallback, "a list of whole numbers");
  for (const int64_t value : values) {
    if (value < 1 || value > kMostNumber) fail(key, "a list of whole numbers above 0");
  }
  return values;
}

Params Params::sub_config(const std::string& key, std::string* target) {
  const YAML::Node node = take(key);
  const std::string name = name_ + "." + key;
  if (!node || !node.IsMap()) fail(key, "a map with target and params");
  const YAML::Node named = node["target"];
  if (!named || !named.IsScalar()) fail(key + ".target", "the name of a class");
  *target = named.as<std::string>();
  return Params(node["params"], name + ".params", file_);
}

Params Params::sub_map(const std::string& key) {
  return Params(take(key), name_ + "." + key, file_);
}

void Params::only_boolean(const std::string& key, bool only) {
  if (boolean(key, only) != only) fail(key, only ? "True" : "False");
}

void Params::only_integer(const std::string& key, int64_t only) {
  if (get<int64_t>(key, only, "a whole number") != only) fail(key, std::to_string(only));
}

void Params::only_text(const std::string& key, const std::string& only) {
  if (text(key, only) != only) fail(key, "'" + only + "'");
}

void Params::only_absent(const std::string& key) {
  const YAML::Node value = take(key);
  if (value && !value.IsNull()) fail(key, "no value");
}

void Params::finish() const {
  if (!node_ || !node_.IsMap()) return;
  for (const auto& entry : node_) {
    const auto key = entry.first.as<std::string>("");
    if (seen_.count(key) == 0) {
      notice("config: " + name_ + "." + printable(key) + " is an unknown key and is ignored");
    }
  }
}

void Params::fail(const std::string& key, const std::string& expected) const {
  fail(name_ + "." + key, expected, find_quietly(key));
}

void Params::fail(const std::string& name, const std::string& expected,
                  const YAML::Node& value) const {
  throw Error(ErrorKind::kCheckpoint,
              "config " + printable(file_.string()) + ": " + name + " must be " + expected +
                  ", found " + shown(value),
              "see configs/stable-diffusion/v1-inference.yaml for a config that works");
}

YAML::Node Params::take(const std::string& key) {
  seen_.insert(key);
  return node_ && node_.IsMap() ? YAML::Node(node_[key]) : YAML::Node(YAML::NodeType::Undefined);
}

YAML::Node Params::find_quietly(const std::string& key) const {
  const size_t dot = key.rfind('.');
  const std::string leaf = dot == std::string::npos ? key : key.substr(dot + 1);
  if (!node_ || !node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
  return node_[leaf];
}

}  // namespace sd::models
