#include "runtime/card_error.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>

namespace sd::runtime {
namespace {

// Numbers of cudaError_t: "CUDA Runtime API", module Data types, CUDA 13.0.
constexpr int kDevicesUnavailable = 46;
constexpr int kNoKernelImage = 209;
constexpr int kFirstOfCapture = 900, kLastOfCapture = 908;
// What only a wrong call gives: an invalid value (1), configuration (9), function (98), handle
// (400) or state (401), an illegal address (700), an assertion (710), a misaligned address, address
// space, program counter or an exception of a kernel's (716 to 719).
constexpr std::array<int, 11> kOurs = {1, 9, 98, 400, 401, 700, 710, 716, 717, 718, 719};

}  // namespace

std::optional<int> cuda_error(const std::exception& error) {
  const auto* of_card = dynamic_cast<const c10::AcceleratorError*>(&error);
  if (of_card == nullptr) return std::nullopt;
  return of_card->get_error_code();
}

bool is_cards_own(int code) {
  if (code >= kFirstOfCapture && code <= kLastOfCapture) return false;
  return std::find(kOurs.begin(), kOurs.end(), code) == kOurs.end();
}

std::string card_hint(int code) {
  if (code == kDevicesUnavailable) {
    return "another program may use the GPU exclusively (nvidia-smi shows its compute mode): wait "
           "for it, or use `device` cpu";
  }
  if (code == kNoKernelImage) {
    return "the libraries have no code for this GPU: use another one, or `device` cpu";
  }
  return "nvidia-smi shows the GPU's state; this process can no longer use it: start it again, or "
         "use `device` cpu";
}

}  // namespace sd::runtime
