#include "kernels/table.h"

#include "kernels/aten/aten_kernels.h"
#include "kernels/cpu/cpu_kernels.h"
#include "kernels/cpu/matrix_kernels.h"
#include "kernels/cuda/cuda_kernels.h"

namespace sd::kernels {
namespace {

// Fastest first; plain ATen last. A test compares each entry with the last.
constexpr Conv2dEntry kConv2dEntries[] = {
    {"fused-cuda", runtime::Isa::kPortable, cuda::make_conv2d, runtime::DeviceKind::kCuda},
    {"winograd-avx512-bf16", runtime::Isa::kAvx512Bf16, cpu::make_winograd_avx512bf16},
    {"winograd-avx512", runtime::Isa::kAvx512, cpu::make_winograd_avx512},
    {"winograd-avx2", runtime::Isa::kAvx2, cpu::make_winograd_avx2},
    {"aten", runtime::Isa::kPortable, aten::make_conv2d},
};
constexpr LinearEntry kLinearEntries[] = {
    {"packed-avx512-bf16", runtime::Isa::kAvx512Bf16, cpu::make_linear_avx512bf16},
    {"packed-avx512", runtime::Isa::kAvx512, cpu::make_linear_avx512},
    {"packed-avx2", runtime::Isa::kAvx2, cpu::make_linear_avx2},
    {"aten", runtime::Isa::kPortable, aten::make_linear},
};
constexpr GroupNormEntry kGroupNormEntries[] = {
    {"fused-cuda", runtime::Isa::kPortable, cuda::make_group_norm, runtime::DeviceKind::kCuda},
    {"sums-avx512", runtime::Isa::kAvx512, cpu::make_group_norm_avx512},
    {"sums-avx2", runtime::Isa::kAvx2, cpu::make_group_norm_avx2},
    {"aten", runtime::Isa::kPortable, aten::make_group_norm},
};
constexpr AttentionEntry kAttentionEntries[] = {
    {"flash-avx512-bf16", runtime::Isa::kAvx512Bf16, cpu::make_attention_avx512bf16},
    {"flash-avx512", runtime::Isa::kAvx512, cpu::make_attention_avx512},
    {"flash-avx2", runtime::Isa::kAvx2, cpu::make_attention_avx2},
    {"aten", runtime::Isa::kPortable, aten::make_attention},
};
constexpr GegluEntry kGegluEntries[] = {
    {"fused-cuda", runtime::Isa::kPortable, cuda::make_geglu, runtime::DeviceKind::kCuda},
    {"packed-avx512-bf16", runtime::Isa::kAvx512Bf16, cpu::make_geglu_avx512bf16},
    {"packed-avx512", runtime::Isa::kAvx512, cpu::make_geglu_avx512},
    {"packed-avx2", runtime::Isa::kAvx2, cpu::make_geglu_avx2},
    {"aten", runtime::Isa::kPortable, aten::make_geglu},
};
constexpr GuideEntry kGuideEntries[] = {
    {"fused-cuda", runtime::Isa::kPortable, cuda::make_guide, runtime::DeviceKind::kCuda},
    {"aten", runtime::Isa::kPortable, aten::make_guide},
};
constexpr MixEntry kMixEntries[] = {
    {"fused-cuda", runtime::Isa::kPortable, cuda::make_mix, runtime::DeviceKind::kCuda},
    {"aten", runtime::Isa::kPortable, aten::make_mix},
};

}  // namespace

std::span<const Conv2dEntry> conv2d_entries() { return kConv2dEntries; }
std::span<const LinearEntry> linear_entries() { return kLinearEntries; }
std::span<const GroupNormEntry> group_norm_entries() { return kGroupNormEntries; }
std::span<const AttentionEntry> attention_entries() { return kAttentionEntries; }
std::span<const GegluEntry> geglu_entries() { return kGegluEntries; }
std::span<const GuideEntry> guide_entries() { return kGuideEntries; }
std::span<const MixEntry> mix_entries() { return kMixEntries; }

}  // namespace sd::kernels
