#pragma once

#include "runtime/kernel_policy.h"

/// A policy under which each entry of the processor's makes its kernel.
inline sd::runtime::KernelPolicy every_entry() {
  return {.isa = sd::runtime::probe_isa(), .bf16 = true, .bf16_convolutions = true};
}

/// Whether this machine's processor runs the entry.
template <class Entry>
bool runs_here(const Entry& entry) {
  return entry.device == sd::runtime::DeviceKind::kCpu && entry.needs <= sd::runtime::probe_isa();
}
