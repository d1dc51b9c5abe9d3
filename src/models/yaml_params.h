#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace sd::models {

/// No width, vocabulary or count of a real model is near these. What lies above would only ask for
/// absurd memory or time before a weight is looked at.
inline constexpr int64_t kMostNumber = 1 << 20;
inline constexpr int64_t kMostChannels = 1 << 16;
inline constexpr int64_t kMostBlocks = 64;  ///< blocks of a level, layers of a block
inline constexpr int64_t kMostLayers = 256;

/// The root of a YAML file, a map. Throws kFile if the file cannot be read, kCheckpoint if it is no
/// YAML or is larger, deeper or holds more values than any config.
YAML::Node read_yaml(const std::filesystem::path& path);

/// A `params` map of the YAML, read key by key; what is left over at the end is named. A value that
/// cannot be used is an Error(kCheckpoint) that names file and key.
class Params {
 public:
  Params(const YAML::Node& node, std::string name, const std::filesystem::path& file);

  // The value of a key, or `fallback` if the key is absent or null.
  int64_t integer(const std::string& key, int64_t fallback, int64_t most = kMostNumber);
  double number(const std::string& key, double fallback);
  bool boolean(const std::string& key, bool fallback);
  std::string text(const std::string& key, const std::string& fallback);
  std::vector<int64_t> integers(const std::string& key, const std::vector<int64_t>& fallback);

  /// The `params` of a sub-config with `target` and `params`.
  Params sub_config(const std::string& key, std::string* target);
  Params sub_map(const std::string& key);

  // Throw if the key is present with another value than `only`: we compute nothing else.
  void only_boolean(const std::string& key, bool only);
  void only_integer(const std::string& key, int64_t only);
  void only_text(const std::string& key, const std::string& only);
  void only_absent(const std::string& key);

  /// Keys of the reference that have no bearing on a picture.
  void ignore(std::initializer_list<const char*> keys) { seen_.insert(keys.begin(), keys.end()); }

  /// Says which keys nobody read: a misspelt key must not pass in silence.
  void finish() const;

  /// Throws for a key of this map, with what is found there.
  [[noreturn]] void fail(const std::string& key, const std::string& expected) const;

 private:
  template <class T>
  T get(const std::string& key, T fallback, const char* kind);
  YAML::Node take(const std::string& key);
  YAML::Node find_quietly(const std::string& key) const;
  [[noreturn]] void fail(const std::string& name, const std::string& expected,
                         const YAML::Node& value) const;

  YAML::Node node_;
  std::string name_;
  std::filesystem::path file_;
  std::set<std::string> seen_;
};

}  // namespace sd::models
