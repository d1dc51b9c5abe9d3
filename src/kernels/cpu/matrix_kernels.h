#pragma once

#include <memory>

#include "kernels/attention.h"
#include "kernels/geglu.h"
#include "kernels/linear.h"
#include "runtime/kernel_policy.h"

/// Entries of the kernel tables written for one set of instructions each, on the CPU, for tensors
/// of float32. Those with bf16 in their name round both operands of their products to bfloat16 and
/// add up in float32; they fit where the policy asks for that precision.
namespace sd::kernels::cpu {

// Products with weights packed in panels (gemm_code.h). The copy doubles a weight's memory: where
// memory is low it is made for each product of many rows, and those of few are ATen's.
std::unique_ptr<const LinearKernel> make_linear_avx2(const LinearSpec& spec,
                                                     const runtime::KernelPolicy&);
std::unique_ptr<const LinearKernel> make_linear_avx512(const LinearSpec& spec,
                                                       const runtime::KernelPolicy&);
std::unique_ptr<const LinearKernel> make_linear_avx512bf16(const LinearSpec& spec,
                                                           const runtime::KernelPolicy&);
std::unique_ptr<const GegluKernel> make_geglu_avx2(const GegluSpec& spec,
                                                   const runtime::KernelPolicy&);
std::unique_ptr<const GegluKernel> make_geglu_avx512(const GegluSpec& spec,
                                                     const runtime::KernelPolicy&);
std::unique_ptr<const GegluKernel> make_geglu_avx512bf16(const GegluSpec& spec,
                                                         const runtime::KernelPolicy&);

// Attention without the matrix of scores, over inputs where they lie (attention_code.h).
std::unique_ptr<const AttentionKernel> make_attention_avx2(const AttentionSpec& spec,
                                                           const runtime::KernelPolicy&);
std::unique_ptr<const AttentionKernel> make_attention_avx512(const AttentionSpec& spec,
                                                             const runtime::KernelPolicy&);
std::unique_ptr<const AttentionKernel> make_attention_avx512bf16(const AttentionSpec& spec,
                                                                 const runtime::KernelPolicy&);

}  // namespace sd::kernels::cpu
