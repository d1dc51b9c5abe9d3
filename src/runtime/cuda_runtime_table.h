#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

#include "runtime/graph_recorder.h"

namespace sd::runtime {

/// What libsd_cuda.so offers under the name "runtime". Raise the version with every change of this
/// struct, or of a type that it speaks of.
struct CudaRuntimeTable {
  static constexpr const char* kName = "runtime";
  static constexpr int kVersion = 2;

  std::unique_ptr<GraphCard> (*make_graph_card)(const c10::Device& device);
  /// The most bytes that tensors on the card have had together since `reset_peak`.
  uint64_t (*peak_bytes)(const c10::Device& device);
  void (*reset_peak)(const c10::Device& device);
};

}  // namespace sd::runtime
