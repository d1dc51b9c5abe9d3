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

/// Where the driver is looked for. Names are searched for as the loader does; the folders after
/// that: those of containers and of WSL 2, which only LD_LIBRARY_PATH leads to.
struct CudaDriverPlaces {
  std::string driver = "libcuda.so.1";
  std::string management = "libnvidia-ml.so.1";
  std::vector<std::string> folders = {"/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"};
};

/// Asks the driver's own libraries, opened for it: a program that does so starts where there is no
/// driver. Makes no context and takes no memory of a card. They stay open, so that the libraries of
/// CUDA find them by their names.
CudaDriver probe_cuda_driver(const CudaDriverPlaces& places = {});

/// Whether the kernel shows a way to a card: NVIDIA's device files, or those of WSL 2.
bool may_have_card();

}  // namespace sd::runtime
