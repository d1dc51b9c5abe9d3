#pragma once

#include <cstdint>

#include "sd/options.h"

namespace sd::runtime {

/// Sets of instructions that kernels are written for, each containing those before it.
enum class Isa {
  kPortable,
  kAvx2,        ///< AVX2, FMA and F16C
  kAvx512,      ///< AVX-512 F, BW, DQ and VL as well
  kAvx512Bf16,  ///< and its bfloat16 products
};

/// "portable", "avx2", "avx512", "avx512-bf16".
const char* isa_name(Isa isa);

/// The widest set that the processor and the operating system offer.
Isa probe_isa();

/// A run of shapes without numbers, whose kernels make the tensors that other entries would make.
struct ShapeRun {
  enum class Entries {
    kAten,  ///< plain ATen on the CPU
    kCpu,   ///< the fast ones of the CPU
    kCuda,
  };

  Entries entries = Entries::kAten;
  int64_t packed = 0;   ///< bytes of weights of which kernels have made a copy
  int64_t scratch = 0;  ///< bytes of the largest that is copied for each product
};
/// What kernels are written for.
enum class DeviceKind { kCpu, kCuda };

/// Which entries of the kernel tables may be used, and what they may spend.
struct KernelPolicy {
  bool plain = false;  ///< the last entry everywhere: plain ATen
  Isa isa = Isa::kPortable;
  MemoryMode memory = MemoryMode::kBalanced;
  ShapeRun* shapes = nullptr;  ///< set: compute shapes only
  bool bf16 = false;  ///< on the CPU: products may be bfloat16's, of activations in float32
  bool bf16_convolutions = false;        ///< those of 3x3 convolutions, too
  DeviceKind device = DeviceKind::kCpu;  ///< where the tensors are

  /// Whether maps of one input are one product, and all steps' time embeddings one ahead of them:
  /// on cards, where a small product takes no longer than a launch. Within rounding as each alone.
  bool joins_products() const { return device == DeviceKind::kCuda && !plain; }
};

}  // namespace sd::runtime
