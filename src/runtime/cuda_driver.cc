#include "runtime/cuda_driver.h"

#include <dlfcn.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace sd::runtime {
namespace {

// The part of the driver API and of NVML that is used here, as NVIDIA's manuals of CUDA 13.0
// declare it. ("CUDA Driver API": initialization, version and device management; "NVML API
// Reference": nvmlMemory_t.)
constexpr int kNoDevice = 100;  // CUDA_ERROR_NO_DEVICE
constexpr int kMajor = 75;      // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
constexpr int kMinor = 76;
struct NvmlMemory {
  unsigned long long total, free, used;
};

/// A shared library that is opened while the program runs. It stays open.
class Library {
 public:
  Library(const std::string& name, const std::vector<std::string>& folders)
      : handle_(::dlopen(name.c_str(), kMode)) {
    for (size_t i = 0; i < folders.size() && handle_ == nullptr; ++i) {
      handle_ = ::dlopen((folders[i] + "/" + name).c_str(), kMode);
    }
  }

  bool is_open() const { return handle_ != nullptr; }

  /// Calls the function of that name; a status other than 0 where it is not there.
  template <class... Arguments>
  int call(const char* name, Arguments... arguments) const {
    constexpr int kNotFound = 500;  // as CUDA_ERROR_NOT_FOUND
    using Function = int (*)(Arguments...);
    const auto function = reinterpret_cast<Function>(handle_ ? ::dlsym(handle_, name) : nullptr);
    return function != nullptr ? function(arguments...) : kNotFound;
  }

 private:
  static constexpr int kMode = RTLD_NOW | RTLD_LOCAL;

  void* handle_;
};

/// Free bytes of the card at that place of the PCI bus; 0 where they are not known.
uint64_t free_bytes(const Library& management, const char* bus_id) {
  void* device = nullptr;
  NvmlMemory memory{};
  if (management.call("nvmlDeviceGetHandleByPciBusId_v2", bus_id, &device) != 0) return 0;
  if (management.call("nvmlDeviceGetMemoryInfo", device, &memory) != 0) return 0;
  return memory.free;
}

/// False if the driver does not describe the card.
bool describe(const Library& driver, const Library& management, int ordinal, CudaDevice* found) {
  int device = 0;
  std::array<char, 256> text{};
  size_t bytes = 0;
  if (driver.call("cuDeviceGet", &device, ordinal) != 0 ||
      driver.call("cuDeviceGetName", text.data(), int{text.size() - 1}, device) != 0 ||
      driver.call("cuDeviceGetAttribute", &found->major, kMajor, device) != 0 ||
      driver.call("cuDeviceGetAttribute", &found->minor, kMinor, device) != 0 ||
      driver.call("cuDeviceTotalMem_v2", &bytes, device) != 0) {
    return false;
  }
  found->name = text.data();
  found->total_bytes = bytes;
  text.fill('\0');
  if (driver.call("cuDeviceGetPCIBusId", text.data(), int{text.size() - 1}, device) == 0) {
    // Of a slice (MIG) the place is the whole card's, and so is what is free there.
    found->free_bytes = std::min(free_bytes(management, text.data()), found->total_bytes);
  }
  return true;
}

std::string error_name(const Library& driver, int status) {
  const char* name = nullptr;
  if (driver.call("cuGetErrorName", status, &name) == 0 && name != nullptr) return name;
  return fmt::format("status {}", status);
}

}  // namespace

CudaDriver probe_cuda_driver(const CudaDriverPlaces& places) {
  CudaDriver found;
  const Library driver(places.driver, places.folders);
  if (!driver.is_open()) {
    found.problem = "no driver";
    return found;
  }
  driver.call("cuDriverGetVersion", &found.version);
  int count = 0;
  int status = driver.call("cuInit", 0U);
  if (status == 0) status = driver.call("cuDeviceGetCount", &count);
  if (status != 0 && status != kNoDevice) {
    found.problem = "the driver does not start: " + error_name(driver, status);
    return found;
  }
  const Library management(places.management, places.folders);
  management.call("nvmlInit_v2");
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    CudaDevice device;
    if (!describe(driver, management, ordinal, &device)) {
      found.devices.clear();
      found.problem = fmt::format("the driver does not describe GPU {}", ordinal);
      break;
    }
    found.devices.push_back(std::move(device));
  }
  management.call("nvmlShutdown");
  if (count == 0) found.problem = "the driver shows no GPU";
  return found;
}

bool may_have_card() {
  std::error_code ignored;
  return std::filesystem::exists("/dev/nvidiactl", ignored) ||
         std::filesystem::exists("/dev/dxg", ignored);
}

}  // namespace sd::runtime
