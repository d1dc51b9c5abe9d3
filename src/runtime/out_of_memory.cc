#include "runtime/out_of_memory.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "runtime/card_error.h"
#include "runtime/card_memory.h"
#include "runtime/tensor_memory.h"

namespace sd::runtime {

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  if (of_torch == nullptr) return false;
  if (const auto code = cuda_error(error)) return *code == kCudaOutOfMemory;
  // The fourth is cuBLAS's, the fifth cuDNN 9's for the card's memory and the host's. ATen tries
  // cuDNN's plans for a convolution one after the other, forgets that their workspaces found no
  // memory, and says the sixth; the last is that of a handle that found none.
  constexpr std::array<const char*, 7> kWords = {
      "not enough memory",     "allocate memory",   "CUDA error: out of memory",
      "STATUS_ALLOC_FAILED",   "ALLOCATION_FAILED", "unable to find an engine",
      "STATUS_NOT_INITIALIZED"};
  const std::string message = of_torch->what_without_backtrace();
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const char* words) { return message.find(words) != std::string::npos; });
}

void give_kept_memory_back(const ExecPolicy& policy) {
  if (policy.device.is_cpu()) {
    if (!policy.kernels.plain) {
      pool_tensor_memory(static_cast<size_t>(pool_limit(MemoryMode::kLow)));
    }
    return;
  }
  give_kept_card_memory_back();
}

}  // namespace sd::runtime
