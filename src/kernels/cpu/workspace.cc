#include "kernels/cpu/workspace.h"

#include <sys/mman.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace sd::cpu {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

struct Free {
  void operator()(float* data) const { std::free(data); }
};

struct Buffer {
  std::unique_ptr<float, Free> data;
  size_t bytes = 0;
};

}  // namespace

float* workspace(Workspace which, size_t floats) {
  thread_local Buffer buffers[2];
  Buffer& buffer = buffers[static_cast<size_t>(which)];
  const size_t bytes = (floats * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
  if (bytes > buffer.bytes) {
    buffer.data.reset();
    buffer.bytes = 0;
    buffer.data.reset(static_cast<float*>(std::aligned_alloc(kHugePage, bytes)));
    if (buffer.data == nullptr) throw std::bad_alloc();
    buffer.bytes = bytes;
    ::madvise(buffer.data.get(), bytes, MADV_HUGEPAGE);  // a wish: without it, only slower
  }
  return buffer.data.get();
}

}  // namespace sd::cpu
