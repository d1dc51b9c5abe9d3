#pragma once

#include <filesystem>
#include <string>

namespace sd::runtime {

/// The libraries that compute on cards. The program is not linked with them, so that it starts
/// where they and their driver are not.
struct CudaLibraries {
  std::string why_not_torch;    ///< why libtorch_cuda.so is not open; empty where it is
  std::string why_not_kernels;  ///< why libsd_cuda.so, of our own, is not; empty where it is
};

/// The folder of the libtorch_cpu.so that this program runs with, where libtorch_cuda.so is looked
/// for, too.
std::filesystem::path torch_folder();

/// Opens NVIDIA's compiler for kernels (NVRTC) and its built-in functions in that folder, if they
/// are there. The compiler looks for the second by its bare name, where a program's own search path
/// does not count; once open by its path it is found. cuDNN compiles some of its kernels.
void open_kernel_compiler(const std::filesystem::path& folder);

/// Opens LibTorch's library, of that folder or of $SD_CUDA_DIR, which makes ATen's operations work
/// on cards, and then ours. The first call does it, before anything asks ATen for a card; the
/// others say what came of it.
const CudaLibraries& open_cuda_libraries();

/// The table of that name and version that libsd_cuda.so offers; null where the library is not
/// open or has another version of it.
const void* cuda_table(const char* name, int version);

/// The CUDA version that LibTorch's libraries are made for, 13000 for 13.0. Needs no driver.
int cuda_runtime_version();

/// The version of the LibTorch that this program runs with, "2.11.0"; "unknown" where it is older
/// than the function that says so.
std::string running_torch_version();

/// Throws kFile where the program runs with another LibTorch than it was built for: the two would
/// not agree about what lies where in memory.
void require_same_torch(const std::string& running = running_torch_version());

}  // namespace sd::runtime
