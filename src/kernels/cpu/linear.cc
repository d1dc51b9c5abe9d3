#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>

#include "kernels/aten/aten_kernels.h"
#include "kernels/cpu/gemm_code.h"
#include "kernels/cpu/huge_buffer.h"
#include "kernels/cpu/matrix_kernels.h"
#include "kernels/cpu/workspace.h"
#include "runtime/parallel.h"

namespace sd::kernels::cpu {
namespace {

/// Half of the second-level cache, in floats.
int64_t cache_floats() {
  constexpr int64_t kUsual = 512 << 10;
  const int64_t bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
  return (bytes > 0 ? bytes : kUsual) / 2 / static_cast<int64_t>(sizeof(float));
}

/// x [..., width] → [rows, width] with each row in one piece: a view where it can be one.
at::Tensor rows_of(const at::Tensor& x) {
  at::Tensor rows = x.reshape({-1, x.size(-1)});
  return rows.stride(1) == 1 || rows.size(1) == 1 ? rows : rows.contiguous();
}

/// From so many rows on a weight may be packed for one product: that costs as much as the product
/// of a few.
constexpr int64_t kLeastRowsToPackFor = 64;

/// Where memory is low, no copy of a weight stays.
bool keeps_packed(const runtime::KernelPolicy& policy) { return policy.memory != MemoryMode::kLow; }

/// A weight and its bias in panels, and the product with them on all threads.
class PackedGemm {
 public:
  /// weight [columns, depth], or [2*columns, depth] with geglu, contiguous. Without `keep` it is
  /// packed for each product, into memory that all of them share.
  PackedGemm(const GemmCode& code, const at::Tensor& weight, const at::Tensor& bias, bool geglu,
             bool keep)
      : code_(code),
        columns_(geglu ? weight.size(0) / 2 : weight.size(0)),
        depth_(weight.size(1)),
        geglu_(geglu),
        bias_(bias_floats(code, columns_, geglu)),
        cache_floats_(cache_floats()) {
    if (keep) {
      panels_ = HugeBuffer(packed_floats(code, depth_, columns_, geglu));
      pack(weight, panels_.data());
    } else {
      weight_ = weight;
    }
    const at::Tensor flat = bias.defined() ? bias.contiguous() : bias;
    code_.pack_bias(flat.defined() ? flat.const_data_ptr<float>() : nullptr, columns_, geglu_,
                    bias_.data());
  }

  /// x [..., depth], residual [..., columns] or undefined → [..., columns].
  at::Tensor multiply(const at::Tensor& x, const at::Tensor& residual) const {
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = columns_;
    at::Tensor y = at::empty(shape, x.options());
    const int64_t row_total = y.numel() / columns_;
    if (row_total == 0) return y;
    const at::Tensor rows = rows_of(x);
    GemmJob job{.weight = {panels(), bias_.data(), depth_, columns_, geglu_},
                .x = rows.const_data_ptr<float>(),
                .x_stride = rows.stride(0),
                .y = y.mutable_data_ptr<float>(),
                .y_stride = columns_,
                .cache_floats = cache_floats_};
    at::Tensor added;
    if (residual.defined()) {
      added = rows_of(residual.expand(shape));
      job.residual = added.const_data_ptr<float>();
      job.residual_stride = added.stride(0);
    }
    run(job, row_total);
    return y;
  }

 private:
  int64_t panel_total() const { return panel_count(code_, columns_, geglu_); }

  void pack(const at::Tensor& weight, float* panels) const {
    const float* rows = weight.const_data_ptr<float>();
    const int64_t grain = std::max<int64_t>(1, (1 << 15) / (2 * code_.lanes * depth_));
    runtime::parallel_for(0, panel_total(), grain, [&](int64_t begin, int64_t end) {
      code_.pack(rows, depth_, columns_, geglu_, begin, end, panels);
    });
  }

  const float* panels() const {
    if (!weight_.defined()) return panels_.data();
    const int64_t floats = packed_floats(code_, depth_, columns_, geglu_);
    float* packed = workspace(Workspace::kShared, static_cast<size_t>(floats));
    pack(weight_, packed);
    return packed;
  }

  void run(const GemmJob& job, int64_t row_total) const {
    // Rows are divided where there are many, so that a block of the weight serves all of them; the
    // weight where there are few, so that each thread reads a part of it.
    const int64_t threads = at::get_num_threads();
    if (row_total >= 8 * code_.tile_rows * threads) {
      runtime::parallel_for(0, row_total, 4 * code_.tile_rows, [&](int64_t begin, int64_t end) {
        code_.multiply(job, begin, end, 0, panel_total());
      });
    } else {
      const int64_t products = row_total * depth_ * 2 * code_.lanes;
      const int64_t grain = std::max<int64_t>(1, (1 << 18) / products);
      runtime::parallel_for(0, panel_total(), grain, [&](int64_t begin, int64_t end) {
        code_.multiply(job, 0, row_total, begin, end);
      });
    }
  }

  const GemmCode& code_;
  int64_t columns_;
  int64_t depth_;
  bool geglu_;
  HugeBuffer panels_;  // or none,
  at::Tensor weight_;  // but this
  HugeBuffer bias_;
  int64_t cache_floats_;
};

/// Whether x [..., C] has so few rows that a weight is not worth packing for them.
bool is_small(const at::Tensor& x) { return x.numel() < kLeastRowsToPackFor * x.size(-1); }

class PackedLinear final : public LinearKernel {
 public:
  PackedLinear(const GemmCode& code, const LinearSpec& spec, const runtime::KernelPolicy& policy)
      : gemm_(code, spec.weight, spec.bias, /*geglu=*/false, keeps_packed(policy)),
        of_few_(keeps_packed(policy) ? nullptr : aten::make_linear(spec, policy)) {}

 private:
  at::Tensor compute(const at::Tensor& x, const at::Tensor& residual) const override {
    if (of_few_ != nullptr && is_small(x)) return (*of_few_)(x, residual);
    return gemm_.multiply(x, residual);
  }

  PackedGemm gemm_;
  std::unique_ptr<const LinearKernel> of_few_;  // where no copy is kept: this holds the weight
};

class PackedGeglu final : public GegluKernel {
 public:
  PackedGeglu(const GemmCode& code, const GegluSpec& spec, const runtime::KernelPolicy& policy)
      : gemm_(code, spec.weight, spec.bias, /*geglu=*/true, keeps_packed(policy)),
        of_few_(keeps_packed(policy) ? nullptr : aten::make_geglu(spec, policy)) {}

  at::Tensor operator()(const at::Tensor& x) const override {
    if (of_few_ != nullptr && is_small(x)) return (*of_few_)(x);
    return gemm_.multiply(x, {});
  }

 private:
  PackedGemm gemm_;
  std::unique_ptr<const GegluKernel> of_few_;  // null: all are packed
};

bool can_pack(const at::Tensor& weight) {
  return weight.device().is_cpu() && weight.scalar_type() == at::kFloat && weight.is_contiguous() &&
         weight.numel() > 0;
}

/// Whether the entry of `code` is the one for the policy's precision.
bool precise(const GemmCode& code, const runtime::KernelPolicy& policy) {
  return policy.bf16 || code.unit_values == 1;
}

std::unique_ptr<const LinearKernel> make_linear(const GemmCode& code, const LinearSpec& spec,
                                                const runtime::KernelPolicy& policy) {
  if (!can_pack(spec.weight) || !precise(code, policy)) return nullptr;
  return std::make_unique<PackedLinear>(code, spec, policy);
}

std::unique_ptr<const GegluKernel> make_geglu(const GemmCode& code, const GegluSpec& spec,
                                              const runtime::KernelPolicy& policy) {
  if (!can_pack(spec.weight) || !precise(code, policy)) return nullptr;
  if (units(code, spec.weight.size(1)) > kMostWholeDepth) return nullptr;
  return std::make_unique<PackedGeglu>(code, spec, policy);
}

}  // namespace

std::unique_ptr<const LinearKernel> make_linear_avx2(const LinearSpec& spec,
                                                     const runtime::KernelPolicy& policy) {
  return make_linear(avx2::kGemm, spec, policy);
}
std::unique_ptr<const LinearKernel> make_linear_avx512bf16(const LinearSpec& spec,
                                                           const runtime::KernelPolicy& policy) {
  return make_linear(avx512bf16::kGemm, spec, policy);
}
std::unique_ptr<const LinearKernel> make_linear_avx512(const LinearSpec& spec,
                                                       const runtime::KernelPolicy& policy) {
  return make_linear(avx512::kGemm, spec, policy);
}
std::unique_ptr<const GegluKernel> make_geglu_avx2(const GegluSpec& spec,
                                                   const runtime::KernelPolicy& policy) {
  return make_geglu(avx2::kGemm, spec, policy);
}
std::unique_ptr<const GegluKernel> make_geglu_avx512bf16(const GegluSpec& spec,
                                                         const runtime::KernelPolicy& policy) {
  return make_geglu(avx512bf16::kGemm, spec, policy);
}
std::unique_ptr<const GegluKernel> make_geglu_avx512(const GegluSpec& spec,
                                                     const runtime::KernelPolicy& policy) {
  return make_geglu(avx512::kGemm, spec, policy);
}

}  // namespace sd::kernels::cpu
