# -DSD_CUDA=ON builds libsd_cuda.so: our kernels for NVIDIA cards, and what needs the toolkit's
# headers. AUTO builds it if a GPU and nvcc are present. The program opens it while it runs, after
# LibTorch's libtorch_cuda.so; it is not linked with either, so that it starts without a driver.
set(SD_CUDA AUTO CACHE STRING "Build our kernels for NVIDIA GPUs: AUTO, ON or OFF")
set_property(CACHE SD_CUDA PROPERTY STRINGS AUTO ON OFF)
set(SD_TORCH_CUDA_DIR "${SD_TORCH_DIR}/lib" CACHE PATH
  "Where libtorch_cuda.so and libc10_cuda.so are, to link with")
# First that of the wheels, which has LibTorch's release; scripts/setup installs it if no other will do.
find_program(SD_NVCC nvcc HINTS "${SD_TORCH_SITE}/nvidia/cu13" ENV CUDA_HOME ENV CUDA_PATH
  /usr/local/cuda PATH_SUFFIXES bin)
# /dev/nvidia0 is absent in a container that is given another card; /dev/dxg is Windows' device.
set(SD_CARD_DEVICE FALSE)
foreach(device nvidiactl nvidia0 dxg)
  if(EXISTS "/dev/${device}")
    set(SD_CARD_DEVICE TRUE)
  endif()
endforeach()

set(why "")
if(NOT SD_NVCC)
  set(why "nvcc is not found: scripts/setup --cuda installs it, or put it into PATH, or set CUDA_HOME")
elseif(NOT EXISTS "${SD_TORCH_CUDA_DIR}/libtorch_cuda.so")
  set(why "libtorch_cuda.so is not in ${SD_TORCH_CUDA_DIR}: run SD_CUDA=ON scripts/setup")
endif()
if(SD_CUDA STREQUAL "AUTO" AND NOT why AND NOT SD_CARD_DEVICE)
  set(why "no GPU is present; -DSD_CUDA=ON builds it anyway")
elseif(SD_CUDA STREQUAL "OFF")
  set(why "SD_CUDA is OFF")
elseif(why AND NOT SD_CUDA STREQUAL "AUTO")
  message(FATAL_ERROR "SD_CUDA is ${SD_CUDA}, but ${why}.")
endif()
if(why)
  set(SD_BUILD_CUDA OFF)
  message(STATUS "CUDA: libsd_cuda.so is not built: ${why}")
  return()
endif()
set(SD_BUILD_CUDA ON)

if(NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER "${SD_NVCC}")
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND "$ENV{CUDAARCHS}" STREQUAL "")
  # Those of LibTorch's wheel; the last one's intermediate code is for what comes after.
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120
    CACHE STRING "Compute capabilities to compile for")
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know nvcc's word for C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
message(STATUS "CUDA: libsd_cuda.so for ${CMAKE_CUDA_ARCHITECTURES}")

foreach(name c10_cuda torch_cuda)
  add_library(sd_${name} SHARED IMPORTED GLOBAL)
  set_target_properties(sd_${name} PROPERTIES
    IMPORTED_LOCATION "${SD_TORCH_CUDA_DIR}/lib${name}.so")
endforeach()
