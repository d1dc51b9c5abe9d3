#include <ATen/ATen.h>

#include <algorithm>

#include "kernels/aten/aten_kernels.h"
#include "kernels/cpu/attention_code.h"
#include "kernels/cpu/matrix_kernels.h"
#include "runtime/parallel.h"

namespace sd::kernels::cpu {
namespace {

/// x [N, T, C] with each row in one piece: a view where it is so.
at::Tensor with_unit_stride(const at::Tensor& x) {
  return x.stride(2) == 1 || x.size(2) == 1 ? x : x.contiguous();
}

AttentionRows strides_of(const at::Tensor& x) {
  return {x.size(0) == 1 ? 0 : x.stride(0), x.stride(1)};
}

class FlashAttention final : public AttentionKernel {
 public:
  FlashAttention(const AttentionCode& code, const AttentionSpec& spec,
                 const runtime::KernelPolicy& policy)
      : code_(code), spec_(spec), wide_(aten::make_attention(spec, policy)) {}

  at::Tensor operator()(const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v) const override {
    // Where a head is wide, plain ATen's large products are as fast.
    if (q.size(2) / spec_.heads > kMostHeadWidth) return (*wide_)(q, k, v);
    const at::Tensor y = at::empty(q.sizes(), q.options());
    attend(with_unit_stride(q), with_unit_stride(k), with_unit_stride(v), y);
    return y;
  }

 private:
  void attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
              const at::Tensor& y) const {
    const AttentionJob job{.q = q.const_data_ptr<float>(),
                           .k = k.const_data_ptr<float>(),
                           .v = v.const_data_ptr<float>(),
                           .y = y.mutable_data_ptr<float>(),
                           .q_rows = strides_of(q),
                           .k_rows = strides_of(k),
                           .v_rows = strides_of(v),
                           .y_rows = strides_of(y),
                           .queries = q.size(1),
                           .keys = k.size(1),
                           .width = q.size(2) / spec_.heads,
                           .causal = spec_.causal};
    const int64_t group = code_.group;
    const int64_t groups = (job.queries + group - 1) / group;
    // Groups of one head follow each other, so that its keys and values stay in the caches.
    runtime::parallel_for(0, q.size(0) * spec_.heads * groups, 1, [&](int64_t begin, int64_t end) {
      const at::Tensor scratch = at::empty({code_.scratch_floats(job.width)}, q.options());
      for (int64_t i = begin; i < end; ++i) {
        const int64_t head = i / groups;
        const int64_t query = i % groups * group;
        code_.attend(job, head / spec_.heads, head % spec_.heads, query,
                     std::min(query + group, job.queries), scratch.mutable_data_ptr<float>());
      }
    });
  }

  const AttentionCode& code_;
  AttentionSpec spec_;
  std::unique_ptr<const AttentionKernel> wide_;
};

}  // namespace

std::unique_ptr<const AttentionKernel> make_attention_avx2(const AttentionSpec& spec,
                                                           const runtime::KernelPolicy& policy) {
  return std::make_unique<FlashAttention>(avx2::kAttention, spec, policy);
}
std::unique_ptr<const AttentionKernel> make_attention_avx512(const AttentionSpec& spec,
                                                             const runtime::KernelPolicy& policy) {
  return std::make_unique<FlashAttention>(avx512::kAttention, spec, policy);
}

std::unique_ptr<const AttentionKernel> make_attention_avx512bf16(
    const AttentionSpec& spec, const runtime::KernelPolicy& policy) {
  if (!policy.bf16) return nullptr;
  return std::make_unique<FlashAttention>(avx512bf16::kAttention, spec, policy);
}

}  // namespace sd::kernels::cpu
