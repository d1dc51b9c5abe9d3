# LibTorch from the PyPI wheel that scripts/setup unpacks. The wheel's own TorchConfig.cmake asks
# for a CUDA toolkit; its CPU part needs none, so the two libraries are named here.
set(SD_TORCH_DIR "${PROJECT_SOURCE_DIR}/.deps/site/torch" CACHE PATH "The wheel's torch folder")
if(NOT EXISTS "${SD_TORCH_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR
    "LibTorch is not at ${SD_TORCH_DIR}. Run scripts/setup, or give -DSD_TORCH_DIR=….")
endif()
get_filename_component(SD_TORCH_SITE "${SD_TORCH_DIR}" DIRECTORY)
# libtorch_cpu.so needs libcudart and libcupti even where no GPU is.
set(SD_TORCH_RUNTIME_DIR "${SD_TORCH_SITE}/nvidia/cu13/lib")

foreach(name c10 torch_cpu)
  add_library(sd_${name} SHARED IMPORTED GLOBAL)
  set_target_properties(sd_${name} PROPERTIES
    IMPORTED_LOCATION "${SD_TORCH_DIR}/lib/lib${name}.so"
    INTERFACE_INCLUDE_DIRECTORIES
      "${SD_FMT_HEADERS};${SD_TORCH_DIR}/include;${SD_TORCH_DIR}/include/torch/csrc/api/include")
endforeach()

add_library(sd_torch INTERFACE)
target_link_libraries(sd_torch INTERFACE sd_torch_cpu sd_c10)
target_link_options(sd_torch INTERFACE
  "-Wl,-rpath-link,${SD_TORCH_RUNTIME_DIR}" "-Wl,-rpath-link,${SD_TORCH_DIR}/lib")
# The wheel's headers use the CUDA-free part only; NDEBUG keeps their inline checks in step with
# the libraries whatever our build type is.
target_compile_definitions(sd_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
