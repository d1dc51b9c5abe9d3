# OpenMP. LibTorch's wheel brings a libgomp of its own, whose idle threads spin for milliseconds and
# can be told otherwise only by the environment, before any of our code runs. The compiler's libgomp is
# linked into each program instead: the loader finds it first, for LibTorch's loops as well, and its
# waiting can be set while the program runs (src/runtime/openmp.h).
execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libgomp.a
  OUTPUT_VARIABLE SD_LIBGOMP OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT IS_ABSOLUTE "${SD_LIBGOMP}" OR NOT EXISTS "${SD_LIBGOMP}")
  message(FATAL_ERROR "${CMAKE_CXX_COMPILER} has no libgomp.a. Use GCC: it comes with g++.")
endif()

add_library(sd_openmp INTERFACE)
target_link_libraries(sd_openmp INTERFACE
  -Wl,--whole-archive "${SD_LIBGOMP}" -Wl,--no-whole-archive)
target_link_options(sd_openmp INTERFACE
  "-Wl,--export-dynamic-symbol=GOMP_*" "-Wl,--export-dynamic-symbol=GOACC_*"
  "-Wl,--export-dynamic-symbol=omp_*" "-Wl,--export-dynamic-symbol=acc_*")
