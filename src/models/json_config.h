#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sd::models {

/// A JSON file that describes a network or its input (Hugging Face's config.json and its like),
/// read key by key. A key that is absent takes the fallback; one that holds something else than
/// asked for is an Error(kCheckpoint) that names file and key.
class JsonConfig {
 public:
  /// Reads the file. `hint` goes with every error. Throws kCheckpoint unless it is a JSON object.
  JsonConfig(const std::filesystem::path& path, std::string hint);

  bool has(const char* key) const { return json_.contains(key); }
  bool is_null(const char* key) const { return !has(key) || json_[key].is_null(); }
  bool is_object(const char* key) const { return has(key) && json_[key].is_object(); }

  /// The objects under these keys as one; what a later one says wins. Absent ones are empty.
  JsonConfig merged(std::initializer_list<const char*> keys) const;

  /// From 1 to `most`.
  int64_t integer(const char* key, int64_t fallback, int64_t most) const;

  /// A number from 1 to `most`, or a list that repeats it for each level of a network.
  int64_t integer_of_levels(const char* key, int64_t fallback, int64_t most) const;

  bool boolean(const char* key, bool fallback) const;

  /// A finite number.
  double number(const char* key, double fallback) const;

  /// A list of 1 to 8 whole numbers, each from 1 to `most`.
  std::vector<int64_t> integers(const char* key, const std::vector<int64_t>& fallback,
                                int64_t most) const;

  /// A list of 1 to 8 texts.
  std::vector<std::string> texts(const char* key, const std::vector<std::string>& fallback) const;

  /// A list of finite numbers, as many as the fallback has.
  std::vector<double> numbers(const char* key, const std::vector<double>& fallback) const;

  /// One of `allowed`.
  std::string text(const char* key, const char* fallback,
                   std::initializer_list<const char*> allowed) const;

  /// What diffusers calls the network, or empty.
  std::string class_name() const;

  /// Throws if the key is there with another value than `only`: we compute nothing else.
  void only(const char* key, const nlohmann::json& only) const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  JsonConfig(const JsonConfig& file, nlohmann::json json);

  nlohmann::json json_;
  std::string path_;
  std::string hint_;
};

}  // namespace sd::models
