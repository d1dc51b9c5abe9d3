// What can be said of libsd_cuda.so without a card.

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "kernels/cuda/kernel_table.h"
#include "runtime/cuda_library.h"
#include "runtime/cuda_runtime_table.h"
#include "runtime/out_of_memory.h"

namespace sd::test {
using namespace runtime;

namespace {

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), count);
  }
  pclose(pipe);
  return output;
}

TEST(CudaLibrary, IsOpenedWithLibTorchsAndHasItsTables) {
  const CudaLibraries& libraries = open_cuda_libraries();
  if (!libraries.why_not_torch.empty()) GTEST_SKIP() << libraries.why_not_torch;
  ASSERT_EQ(libraries.why_not_kernels, "");
  EXPECT_EQ(cuda_runtime_version() / 1000, 13);
  EXPECT_NE(cuda_table(CudaRuntimeTable::kName, CudaRuntimeTable::kVersion), nullptr);
  EXPECT_NE(cuda_table(kernels::cuda::KernelTable::kName, kernels::cuda::KernelTable::kVersion),
            nullptr);
  EXPECT_EQ(cuda_table(kernels::cuda::KernelTable::kName, kernels::cuda::KernelTable::kVersion + 1),
            nullptr);
  EXPECT_EQ(cuda_table("other", 1), nullptr);
  // ATen knows of cards now, whether there are any or not: without the library this throws.
  EXPECT_GE(at::detail::getCUDAHooks().versionCUDART(), 13000);
}

/// What the memory ladder calls before it draws again: the program is not linked with it.
TEST(CudaLibrary, TheCardsAllocatorIsReachedByC10sTable) {
  const CudaLibraries& libraries = open_cuda_libraries();
  if (!libraries.why_not_torch.empty()) GTEST_SKIP() << libraries.why_not_torch;
  EXPECT_NE(dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(c10::kCUDA)), nullptr);
  ExecPolicy policy;
  policy.device = at::Device(at::kCUDA, 0);
  EXPECT_NO_THROW(give_kept_memory_back(policy));  // nothing is kept yet
}

TEST(CudaLibrary, ShowsOneFunctionOnly) {
  const std::string symbols = output_of("nm -D --defined-only '" SD_CUDA_LIBRARY
                                        "' | grep ' [TW] ' | grep -v ' _ZTI\\| _ZTS'");
  EXPECT_NE(symbols.find("sd_cuda_table"), std::string::npos) << symbols;
  EXPECT_EQ(symbols.find("launch_geglu"), std::string::npos) << symbols;
}

}  // namespace
}  // namespace sd::test
