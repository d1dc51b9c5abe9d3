#include "kernels/cpu/workspace.h"

#include <cstdint>

#include "kernels/cpu/huge_buffer.h"

namespace sd::kernels::cpu {
namespace {

struct Space {
  HugeBuffer buffer;
  size_t floats = 0;
};

}  // namespace

float* workspace(Workspace which, size_t floats) {
  thread_local Space spaces[2];
  Space& space = spaces[static_cast<size_t>(which)];
  if (floats > space.floats) {
    space = {};  // the old one goes first
    space.buffer = HugeBuffer(static_cast<int64_t>(floats));
    space.floats = floats;
  }
  return space.buffer.data();
}

}  // namespace sd::kernels::cpu
