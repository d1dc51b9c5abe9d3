#pragma once

#include "runtime/kernel_policy.h"

/// A policy under which each row of the processor's makes its kernel.
inline sd::KernelPolicy every_row() {
  return {.isa = sd::probe_isa(), .bf16 = true, .bf16_convolutions = true};
}

/// Whether this machine's processor runs the row.
template <class Row>
bool runs_here(const Row& row) {
  return row.device == sd::DeviceKind::kCpu && row.needs <= sd::probe_isa();
}
