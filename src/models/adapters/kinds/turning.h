#pragma once

#include <ATen/core/Tensor.h>

#include "models/adapters/parts.h"

/// What the kinds that turn blocks of a weight (OFT, BOFT) share.
namespace sd::models::adapters {

/// The rotations (I + Q)(I - Q)^-1 of skew blocks Q [..., s, s], after Cayley. Throws kCheckpoint
/// where a block has none.
at::Tensor cayley(const at::Tensor& q);

/// COFT of PEFT: the blocks [n, s, s], none of them longer than `limit` over the root of n.
at::Tensor shortened(const at::Tensor& blocks, double limit);

/// The turned weight [out, …], its rows times the factors of this role if there are any, less the
/// weight: as the weight.
at::Tensor change_by_turning(const AdapterParts& parts, AdapterRole factors,
                             const at::Tensor& turned, const at::Tensor& weight);

}  // namespace sd::models::adapters
