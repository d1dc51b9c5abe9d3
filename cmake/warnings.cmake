# Warnings are errors for our targets; the libraries' headers are system headers.
# (-Wrestrict is off: GCC 12 raises it for its own std::string, bug 105651.)
add_library(sd_warnings INTERFACE)
set(SD_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Wunused -Wno-restrict -Werror)
if(SD_SANITIZE)  # GCC 12 raises it for its own <regex> there
  list(APPEND SD_WARNINGS -Wno-maybe-uninitialized)
endif()
if(SD_SANITIZE STREQUAL "thread")  # and for its own std::string
  list(APPEND SD_WARNINGS -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")  # for fuzzing only: GCC and clang-tidy give the warnings
  set(SD_WARNINGS -w)
endif()
# (What nvcc writes for the host's compiler has old casts.)
target_compile_options(sd_warnings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${SD_WARNINGS}>"
  "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings;-Xcompiler=-Wall,-Wextra,-Werror>")
