#pragma once

#include <cstddef>

namespace sd::kernels::cpu {

/// What a kernel needs while it runs, of the calling thread, kept from call to call.
enum class Workspace {
  kShared,  ///< filled by one thread and read by those that help it
  kOwn,     ///< used by its thread alone
};

/// At least `floats` floats, at a multiple of 64 bytes; not cleared. Valid until the thread asks
/// for more of the same one, or ends. Throws std::bad_alloc.
float* workspace(Workspace which, size_t floats);

}  // namespace sd::kernels::cpu
