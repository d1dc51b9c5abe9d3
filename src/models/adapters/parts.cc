#include "models/adapters/parts.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "sd/error.h"

namespace sd::models {

bool AdapterParts::has_all(std::initializer_list<AdapterRole> roles) const {
  return std::all_of(roles.begin(), roles.end(), [this](AdapterRole role) { return has(role); });
}

std::vector<int64_t> AdapterParts::shape(AdapterRole role) const {
  return stored_.at(role).sizes().vec();
}

at::Tensor AdapterParts::get(AdapterRole role) const {
  const auto found = stored_.find(role);
  if (found == stored_.end()) return {};
  at::Tensor values = found->second.to(at::kFloat).contiguous();
  if (at::isfinite(values).all().item<bool>()) return values;
  throw Error(ErrorKind::kCheckpoint, "expected numbers, found values that are not numbers",
              "the file is damaged, or its training failed: fetch another");
}

std::optional<double> AdapterParts::sound_number(AdapterRole role) const {
  const auto found = stored_.find(role);
  if (found == stored_.end() || found->second.numel() != 1) return std::nullopt;
  const double value = found->second.to(at::kDouble).item<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool changes_bias(const AdapterParts& parts) {
  return std::any_of(std::begin(kBiasRoles), std::end(kBiasRoles),
                     [&](AdapterRole role) { return parts.has(role); });
}

double AdapterParts::number(AdapterRole role, double otherwise) const {
  const auto found = stored_.find(role);
  return found == stored_.end() ? otherwise : found->second.to(at::kDouble).item<double>();
}

}  // namespace sd::models
