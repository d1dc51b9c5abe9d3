#include "kernels/cuda/cuda_kernels.h"

#include "kernels/cuda/kernel_table.h"
#include "runtime/cuda_library.h"

namespace sd::kernels::cuda {
namespace {

const KernelTable* table() {
  return static_cast<const KernelTable*>(
      runtime::cuda_table(KernelTable::kName, KernelTable::kVersion));
}

}  // namespace

std::unique_ptr<const Conv2dKernel> make_conv2d(const Conv2dSpec& spec,
                                                const runtime::KernelPolicy& /*policy*/) {
  const KernelTable* kernels = table();
  return kernels != nullptr ? kernels->make_conv2d(spec) : nullptr;
}

std::unique_ptr<const GroupNormKernel> make_group_norm(const GroupNormSpec& spec,
                                                       const runtime::KernelPolicy& /*policy*/) {
  const KernelTable* kernels = table();
  return kernels != nullptr ? kernels->make_group_norm(spec) : nullptr;
}

std::unique_ptr<const GegluKernel> make_geglu(const GegluSpec& spec,
                                              const runtime::KernelPolicy& /*policy*/) {
  const KernelTable* kernels = table();
  return kernels != nullptr ? kernels->make_geglu(spec) : nullptr;
}

std::unique_ptr<const GuideKernel> make_guide(const GuideSpec& spec,
                                              const runtime::KernelPolicy& /*policy*/) {
  const KernelTable* kernels = table();
  return kernels != nullptr ? kernels->make_guide(spec) : nullptr;
}

std::unique_ptr<const MixKernel> make_mix(const MixSpec& spec,
                                          const runtime::KernelPolicy& /*policy*/) {
  const KernelTable* kernels = table();
  return kernels != nullptr ? kernels->make_mix(spec) : nullptr;
}

}  // namespace sd::kernels::cuda
