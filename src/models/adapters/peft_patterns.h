#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sd::models {

/// The numbers that PEFT gives layers by their names: the keys of the object are ends of names,
/// which begin behind a dot, or regular expressions of them (peft.utils.get_pattern_key), of which
/// those without groups and sets are read.
class PeftPatterns {
 public:
  /// The object under this key of the config, if there is one. What of it cannot be read is added
  /// to `faults`.
  PeftPatterns(const nlohmann::json& config, const std::string& key,
               std::vector<std::string>* faults);
  ~PeftPatterns();
  PeftPatterns(const PeftPatterns&) = delete;
  PeftPatterns& operator=(const PeftPatterns&) = delete;

  /// The number of the longest end of the layer's name, else of an expression that stands for it.
  std::optional<double> value_for(std::string_view layer) const;

 private:
  struct Expression;

  void add(std::string_view pattern, double value, const std::string& key,
           std::vector<std::string>* faults);

  nlohmann::json plain_;
  std::vector<Expression> expressions_;
};

}  // namespace sd::models
