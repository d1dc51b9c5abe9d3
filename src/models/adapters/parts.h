#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/adapters/adapter_key.h"

namespace sd::models {

/// What an adapter has for one layer.
class AdapterParts {
 public:
  void add(AdapterRole role, at::Tensor stored) {
    stored_.insert_or_assign(role, std::move(stored));
  }

  bool has(AdapterRole role) const { return stored_.contains(role); }
  bool has_all(std::initializer_list<AdapterRole> roles) const;

  /// The shape of a tensor that is there.
  std::vector<int64_t> shape(AdapterRole role) const;

  /// The tensor in float32; undefined where there is none. Throws kCheckpoint where it holds values
  /// that are not numbers.
  at::Tensor get(AdapterRole role) const;

  /// The only value of a tensor; `otherwise` where there is none.
  double number(AdapterRole role, double otherwise) const;

  /// Its only value, where it is one number; else, and where there is none, nothing.
  std::optional<double> sound_number(AdapterRole role) const;

  const std::map<AdapterRole, at::Tensor>& all() const { return stored_; }

 private:
  std::map<AdapterRole, at::Tensor> stored_;  // as the file has them
};

/// What is added to a bias, or takes its place.
inline constexpr AdapterRole kBiasRoles[] = {AdapterRole::kDiffBias, AdapterRole::kNormBias,
                                             AdapterRole::kUpBias, AdapterRole::kWholeBias};

bool changes_bias(const AdapterParts& parts);

}  // namespace sd::models
