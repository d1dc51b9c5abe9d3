#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "models/adapters/kinds/kinds.h"

namespace sd::models {

/// Counts the kinds of an adapter's layers.
class CountedKinds {
 public:
  /// `kind` null: only the bias changes.
  void add(const AdapterKind* kind, const AdapterParts& parts);

  /// "LoHa, LoRA rank 4 to 8".
  std::string text() const;

 private:
  std::map<std::string, std::set<int64_t>> ranks_;  // by name
};

}  // namespace sd::models
