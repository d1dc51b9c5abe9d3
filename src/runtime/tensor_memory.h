#pragma once

#include <cstddef>
#include <cstdint>

#include "sd/options.h"

namespace sd::runtime {

/// Bytes of the smallest tensor that is large: less comes from malloc.
inline constexpr size_t kLeastPooled = size_t{1} << 22;

/// What a run may keep, in bytes.
int64_t pool_limit(MemoryMode memory);
/// What a run may keep while a large picture is computed in strips: enough for a strip's tensors.
int64_t pool_limit_in_strips(MemoryMode memory);

/// From now on large tensors live in huge pages, and the memory of one that is gone is kept for the
/// next, up to `keep` bytes: fresh pages are cleared by the kernel, one fault each, which for the
/// pictures of an autoencoder takes a quarter of the time of a convolution. May be called again,
/// with another limit.
void pool_tensor_memory(size_t keep);

}  // namespace sd::runtime
