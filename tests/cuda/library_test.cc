// What can be said of libsd_cuda.so without a card.

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/cuda/kernel_table.h"
#include "runtime/cuda_library.h"
#include "runtime/cuda_runtime_table.h"
#include "runtime/out_of_memory.h"
#include "support/command.h"

namespace sd::test {
using namespace runtime;

namespace {

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

/// Of what this process has mapped, the file names that hold `part`.
std::vector<std::filesystem::path> mapped_files(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::filesystem::path> files;
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos) continue;
    const std::filesystem::path file = line.substr(path);
    if (file.filename().string().find(part) != std::string::npos) files.push_back(file);
  }
  return files;
}

/// cuDNN compiles kernels with NVRTC, which finds its built-in functions by their bare name only.
TEST(CudaLibrary, TheCompilersBuiltinsAreOpenWhereTheyAreInstalled) {
  const CudaLibraries& libraries = open_cuda_libraries();
  if (!libraries.why_not_torch.empty()) GTEST_SKIP() << libraries.why_not_torch;
  const auto runtime = mapped_files("libcudart.so");
  ASSERT_FALSE(runtime.empty());
  for (const auto& entry : std::filesystem::directory_iterator(runtime[0].parent_path())) {
    const std::string name = entry.path().filename().string();
    if (name.find("libnvrtc-builtins.so.") == 0) {
      EXPECT_FALSE(mapped_files(name).empty()) << name;
    }
  }
}

/// Without a card LibTorch says so, and not that nobody started its allocator.
TEST(CudaLibrary, PeaksCanBeAskedForFirst) {
  const CudaLibraries& libraries = open_cuda_libraries();
  if (!libraries.why_not_torch.empty()) GTEST_SKIP() << libraries.why_not_torch;
  const auto* table = static_cast<const CudaRuntimeTable*>(
      cuda_table(CudaRuntimeTable::kName, CudaRuntimeTable::kVersion));
  ASSERT_NE(table, nullptr);
  try {
    table->reset_peak(at::Device(at::kCUDA, 0));
    table->peak_bytes(at::Device(at::kCUDA, 0));
  } catch (const c10::Error& error) {
    EXPECT_EQ(error.msg().find("did you call init"), std::string::npos) << error.msg();
  }
}

TEST(CudaLibrary, ShowsOneFunctionOnly) {
  const std::string symbols = printed_by("nm -D --defined-only '" SD_CUDA_LIBRARY
                                         "' | grep ' [TW] ' | grep -v ' _ZTI\\| _ZTS'");
  EXPECT_NE(symbols.find("sd_cuda_table"), std::string::npos) << symbols;
  EXPECT_EQ(symbols.find("launch_geglu"), std::string::npos) << symbols;
}

}  // namespace
}  // namespace sd::test
