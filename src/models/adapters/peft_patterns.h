#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sd::models {

/// What PEFT finds for a layer.
struct PatternMatch {
  std::string pattern;
  double value = 0;
  bool is_sure = true;  ///< no other pattern that is the layer's has another value
};

/// Where in a layer's name a pattern may begin.
enum class PatternBegin {
  kAnywhere,   ///< the name or an end of it behind a dot (since PEFT 0.15)
  kBehindDot,  ///< such an end alone; last the whole name, to the letter (PEFT's LoRA before)
};

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

  /// The first pattern that is the layer's, in the order of the file, which PEFT sorts.
  std::optional<PatternMatch> find(std::string_view layer, PatternBegin begin) const;

  /// The number of the pattern that is spelled so.
  std::optional<double> value_of(std::string_view pattern) const;

 private:
  struct Pattern;

  void add_expression(size_t place, const std::string& key, std::vector<std::string>* faults);
  std::vector<size_t> places_of(std::string_view layer, PatternBegin begin) const;

  std::vector<Pattern> patterns_;
  std::map<std::string, size_t, std::less<>> places_;  ///< by their texts
  std::vector<size_t> expressions_;                    ///< places of those that are no plain ends
};

}  // namespace sd::models
