#include "pipeline/size_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "sd/error.h"

namespace sd::pipeline {

void check_side(const char* setting, int64_t side, int64_t multiple, int64_t most) {
  const int64_t largest = most / multiple * multiple;
  if (side >= multiple && side % multiple == 0 && side <= largest) return;
  const int64_t below = std::clamp(side / multiple * multiple, multiple, largest);
  std::string nearest = std::to_string(below);
  if (side > multiple && below < largest) nearest += " and " + std::to_string(below + multiple);
  throw Error(ErrorKind::kUsage,
              fmt::format("`{}` must be a multiple of {} from {} to {}, found {}", setting,
                          multiple, multiple, largest, side),
              "nearest: " + nearest);
}

}  // namespace sd::pipeline
