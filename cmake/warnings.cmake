# Warnings are errors for our targets; the libraries' headers are system headers.
# (-Wrestrict is off: GCC 12 raises it for its own std::string, bug 105651.)
add_library(sd_warnings INTERFACE)
target_compile_options(sd_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wunused -Wno-restrict -Werror)
