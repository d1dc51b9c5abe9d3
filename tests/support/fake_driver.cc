// Stands in for NVIDIA's driver (libcuda.so.1 and libnvidia-ml.so.1) where none is: it answers what
// $SD_FAKE_DRIVER says, to the calls that `probe_cuda_driver` makes.

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::string story() {
  const char* text = std::getenv("SD_FAKE_DRIVER");
  return text != nullptr ? text : "";
}

struct Memory {
  unsigned long long total, free, used;
};

int copy(const char* text, char* to, int size) {
  std::strncpy(to, text, static_cast<size_t>(size));
  return 0;
}

}  // namespace

extern "C" {

int cuDriverGetVersion(int* version) {
  *version = story() == "old" ? 12040 : 13000;
  return 0;
}

int cuInit(unsigned) {
  if (story() == "broken") return 999;
  return story() == "no-card" ? 100 : 0;
}

int cuGetErrorName(int status, const char** name) {
  *name = status == 999 ? "CUDA_ERROR_UNKNOWN" : nullptr;
  return *name != nullptr ? 0 : 1;
}

int cuDeviceGetCount(int* count) {
  *count = 2;
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = 10 + ordinal;
  return story() == "silent" && ordinal == 1 ? 101 : 0;
}

int cuDeviceGetName(char* name, int size, int device) {
  return copy(device == 10 ? "Card \x1b[31mA" : "Card B", name, size);
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
  *value = attribute == 75 ? (device == 10 ? 8 : 9) : (device == 10 ? 9 : 0);
  return 0;
}

int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  *bytes = (device == 10 ? size_t{10} : size_t{80}) << 30;
  if (story() == "slice") *bytes = size_t{1} << 30;
  return 0;
}

int cuDeviceGetPCIBusId(char* text, int size, int device) {
  return copy(device == 10 ? "0000:0A:00.0" : "0000:0B:00.0", text, size);
}

int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** device) {
  static int handle;
  *device = &handle;
  return std::strcmp(bus_id, "0000:0A:00.0") == 0 ? 0 : 6;
}

int nvmlDeviceGetMemoryInfo(void*, void* memory) {
  *static_cast<Memory*>(memory) = {10ULL << 30, 9ULL << 30, 1ULL << 30};
  return 0;
}

}  // extern "C"
