#include "runtime/cuda_library.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/core.h>
#include <torch/headeronly/version.h>

#include <cstdint>
#include <filesystem>

#include "base/environment.h"
#include "base/strings.h"
#include "sd/error.h"

namespace sd::runtime {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKernels = "libsd_cuda.so";
constexpr const char* kEntry = "sd_cuda_table";

std::string last_dl_error() {
  const char* message = ::dlerror();
  return message != nullptr ? printable(message) : "no reason is given";
}

struct OpenLibraries {
  CudaLibraries said;
  void* kernels = nullptr;
};

/// The folder of the loaded library that has this function or object.
fs::path folder_of(const void* inside) {
  Dl_info info{};
  if (inside == nullptr || ::dladdr(inside, &info) == 0 || info.dli_fname == nullptr) return "";
  return fs::path(info.dli_fname).parent_path();
}

constexpr const char* kRuntimeVersion = "cudaRuntimeGetVersion";

/// Of the folder of LibTorch's CPU library, or of the one that `sd setup-cuda --to` filled; empty
/// where neither has it.
fs::path torch_library() {
  std::error_code ignored;
  for (const fs::path& folder : {torch_folder(), fs::path(variable("SD_CUDA_DIR"))}) {
    const fs::path path = folder / "libtorch_cuda.so";
    if (!folder.empty() && fs::exists(path, ignored)) return path;
  }
  return {};
}

std::string open_torch() {
  const fs::path path = torch_library();
  if (path.empty()) {
    return "libtorch_cuda.so is not installed (scripts/setup --cuda, or sd setup-cuda)";
  }
  // Its static objects register ATen's kernels; it is never closed.
  if (::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) {
    open_kernel_compiler(folder_of(::dlsym(RTLD_DEFAULT, kRuntimeVersion)));
    return "";
  }
  return "libtorch_cuda.so cannot be opened: " + last_dl_error() + " (scripts/setup --cuda)";
}

OpenLibraries open_all() {
  OpenLibraries open;
  open.said.why_not_torch = open_torch();
  if (!open.said.why_not_torch.empty()) {
    open.said.why_not_kernels = "without libtorch_cuda.so";
    return open;
  }
  // By its bare name: the program's own search path has its folder.
  open.kernels = ::dlopen(kKernels, RTLD_NOW | RTLD_LOCAL);
  if (open.kernels == nullptr) {
    open.said.why_not_kernels = fmt::format("{} cannot be opened: {}", kKernels, last_dl_error());
  } else if (::dlsym(open.kernels, kEntry) == nullptr) {
    open.said.why_not_kernels = std::string(kKernels) + " is not this program's";
    open.kernels = nullptr;
  }
  return open;
}

/// What `open_cuda_libraries` opened; null until then.
const OpenLibraries* opened = nullptr;

}  // namespace

fs::path torch_folder() { return folder_of(reinterpret_cast<const void*>(&at::get_num_threads)); }

void open_kernel_compiler(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(folder, ignored)) {
    const std::string name = file.path().filename().string();
    if (name.rfind("libnvrtc.so.", 0) == 0 || name.rfind("libnvrtc-builtins.so.", 0) == 0) {
      ::dlopen(file.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    }
  }
}

const CudaLibraries& open_cuda_libraries() {
  static const OpenLibraries open = open_all();
  opened = &open;
  return open.said;
}

const void* cuda_table(const char* name, int version) {
  if (opened == nullptr || opened->kernels == nullptr) return nullptr;
  using Entry = const void* (*)(const char*, int);
  return reinterpret_cast<Entry>(::dlsym(opened->kernels, kEntry))(name, version);
}

int cuda_runtime_version() {
  // libtorch_cpu.so is linked with it, so that it is there on every machine.
  using Function = int (*)(int*);
  const auto ask = reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, kRuntimeVersion));
  int version = 0;
  return ask != nullptr && ask(&version) == 0 ? version : 0;
}

std::string running_torch_version() {
  // torch/headeronly/version.h: the three numbers, a byte each, are the upper ones of the eight.
  using Function = uint64_t (*)();
  const auto ask = reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, "aoti_torch_abi_version"));
  if (ask == nullptr) return "unknown";
  const uint64_t version = ask();
  return fmt::format("{}.{}.{}", version >> 56 & 0xff, version >> 48 & 0xff, version >> 40 & 0xff);
}

void require_same_torch(const std::string& running) {
  if (running == TORCH_VERSION) return;
  throw Error(ErrorKind::kFile,
              fmt::format("expected LibTorch {}, for which this program was built, found {} in {}",
                          TORCH_VERSION, running, printable(torch_folder().string())),
              "install that version (torch==" TORCH_VERSION "), or build the program anew");
}

}  // namespace sd::runtime
