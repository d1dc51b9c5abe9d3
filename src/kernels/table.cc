#include "kernels/table.h"

#include "kernels/aten/aten_kernels.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/matrix_kernels.h"
#include "kernels/cuda/cuda_kernels.h"

namespace sd {
namespace {

// Fastest first; plain ATen last. A test compares each row with the last.
constexpr Conv2dRow kConv2dRows[] = {
    {"winograd-avx512-bf16", Isa::kAvx512Bf16, cpu::make_winograd_avx512bf16},
    {"winograd-avx512", Isa::kAvx512, cpu::make_winograd_avx512},
    {"winograd-avx2", Isa::kAvx2, cpu::make_winograd_avx2},
    {"aten", Isa::kPortable, aten::make_conv2d},
};
constexpr LinearRow kLinearRows[] = {
    {"packed-avx512-bf16", Isa::kAvx512Bf16, cpu::make_linear_avx512bf16},
    {"packed-avx512", Isa::kAvx512, cpu::make_linear_avx512},
    {"packed-avx2", Isa::kAvx2, cpu::make_linear_avx2},
    {"aten", Isa::kPortable, aten::make_linear},
};
constexpr GroupNormRow kGroupNormRows[] = {
    {"fused-cuda", Isa::kPortable, cuda::make_group_norm, DeviceKind::kCuda},
    {"sums-avx512", Isa::kAvx512, cpu::make_group_norm_avx512},
    {"sums-avx2", Isa::kAvx2, cpu::make_group_norm_avx2},
    {"aten", Isa::kPortable, aten::make_group_norm},
};
constexpr AttentionRow kAttentionRows[] = {
    {"flash-avx512-bf16", Isa::kAvx512Bf16, cpu::make_attention_avx512bf16},
    {"flash-avx512", Isa::kAvx512, cpu::make_attention_avx512},
    {"flash-avx2", Isa::kAvx2, cpu::make_attention_avx2},
    {"aten", Isa::kPortable, aten::make_attention},
};
constexpr GegluRow kGegluRows[] = {
    {"fused-cuda", Isa::kPortable, cuda::make_geglu, DeviceKind::kCuda},
    {"packed-avx512-bf16", Isa::kAvx512Bf16, cpu::make_geglu_avx512bf16},
    {"packed-avx512", Isa::kAvx512, cpu::make_geglu_avx512},
    {"packed-avx2", Isa::kAvx2, cpu::make_geglu_avx2},
    {"aten", Isa::kPortable, aten::make_geglu},
};
constexpr GuideRow kGuideRows[] = {
    {"fused-cuda", Isa::kPortable, cuda::make_guide, DeviceKind::kCuda},
    {"aten", Isa::kPortable, aten::make_guide},
};
constexpr MixRow kMixRows[] = {
    {"fused-cuda", Isa::kPortable, cuda::make_mix, DeviceKind::kCuda},
    {"aten", Isa::kPortable, aten::make_mix},
};

}  // namespace

std::span<const Conv2dRow> conv2d_rows() { return kConv2dRows; }
std::span<const LinearRow> linear_rows() { return kLinearRows; }
std::span<const GroupNormRow> group_norm_rows() { return kGroupNormRows; }
std::span<const AttentionRow> attention_rows() { return kAttentionRows; }
std::span<const GegluRow> geglu_rows() { return kGegluRows; }
std::span<const GuideRow> guide_rows() { return kGuideRows; }
std::span<const MixRow> mix_rows() { return kMixRows; }

}  // namespace sd
