#include "job/foreign/batch_place.h"

namespace sd::job {
namespace {

constexpr BatchPlace kPlaces[] = {{2, 1}, {2, 0}, {3, 2}, {3, 1}, {3, 0},
                                  {4, 3}, {4, 2}, {4, 1}, {4, 0}};

}  // namespace

std::span<const BatchPlace> batch_places() { return kPlaces; }

DrawRecord at_place(const DrawRecord& alone, const BatchPlace& place, bool varies) {
  DrawRecord draw = alone;
  draw.batch = place.before + 1;  // of those behind it only the seed counts
  draw.row = place.before;
  const int64_t behind = place.batch - 1 - place.before;
  draw.second_seed = alone.seed + (varies ? 0 : static_cast<uint64_t>(behind));
  return draw;
}

}  // namespace sd::job
