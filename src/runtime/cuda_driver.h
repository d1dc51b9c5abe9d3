#pragma once

#include <string>
#include <vector>

#include "runtime/host.h"

namespace sd::runtime {

/// What NVIDIA's driver says of this machine.
struct CudaDriver {
  int version = 0;                  ///< the newest CUDA that it knows, 13000 for 13.0; 0: no driver
  std::vector<CudaDevice> devices;  ///< in its order, under CUDA_VISIBLE_DEVICES
  std::string problem;              ///< why there are none; empty where there are
};

/// Asks the driver's own libraries, opened for it by their names: a program that does so starts
/// where there is no driver. Makes no context and takes no memory of a card.
CudaDriver probe_cuda_driver(const char* driver_library = "libcuda.so.1",
                             const char* management_library = "libnvidia-ml.so.1");

}  // namespace sd::runtime
