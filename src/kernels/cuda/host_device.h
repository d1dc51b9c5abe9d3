#pragma once

#include <cstdint>

/// Marks what a card runs and a test runs on the processor, thread by thread.
#ifdef __CUDACC__
#define SD_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define SD_HOST_DEVICE inline
#endif

namespace sd::kernels::cuda {

/// Values that lie side by side and are read and written in one access.
template <class T, int kWidth>
struct alignas(sizeof(T) * kWidth) Pack {
  T values[kWidth];
};

/// The widest access of a card is 16 bytes.
template <class T>
inline constexpr int kPackWidth = static_cast<int>(16 / sizeof(T));

/// Whether both can be read in packs of that many bytes.
inline bool is_aligned(const void* a, const void* b, size_t bytes) {
  return (reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b)) % bytes == 0;
}

}  // namespace sd::kernels::cuda
