#pragma once

#include <cstdint>
#include <span>

#include "sd/request.h"

namespace sd::job {

/// Where a picture was among those that the web UI drew at once.
struct BatchPlace {
  int64_t batch = 1;
  int64_t before = 0;  ///< pictures before it
};

/// The places in batches of up to four, but the first of one, in the order in which they are tried.
std::span<const BatchPlace> batch_places();

/// The draws of a picture at that place, which has them alone so far. Between two passes the noise
/// of its encoding comes behind that of the pictures before it, from the stream of the last one's
/// seed: the next ones, or with a variation (`varies`) all the same (modules/rng.py,
/// processing.py).
DrawRecord at_place(const DrawRecord& alone, const BatchPlace& place, bool varies);

}  // namespace sd::job
