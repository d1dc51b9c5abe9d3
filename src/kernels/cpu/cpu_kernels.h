#pragma once

#include <memory>

#include "kernels/geglu.h"
#include "kernels/linear.h"
#include "runtime/kernel_policy.h"

/// Rows of the kernel tables written for one set of instructions each, float32 on the CPU.
namespace sd::cpu {

// Products with weights packed in panels (gemm.h). The copy doubles a weight's memory, so that they
// do not fit where memory is low.
std::unique_ptr<const LinearKernel> make_linear_avx2(const LinearSpec& spec, const KernelPolicy&);
std::unique_ptr<const LinearKernel> make_linear_avx512(const LinearSpec& spec, const KernelPolicy&);
std::unique_ptr<const GegluKernel> make_geglu_avx2(const GegluSpec& spec, const KernelPolicy&);
std::unique_ptr<const GegluKernel> make_geglu_avx512(const GegluSpec& spec, const KernelPolicy&);

}  // namespace sd::cpu
