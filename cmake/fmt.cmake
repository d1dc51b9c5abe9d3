# Debian's fmt, for formatted text. LibTorch ships the headers of another version of fmt without the
# library. SD_FMT_HEADERS holds Debian's headers only, and cmake/torch.cmake puts it before LibTorch's.
find_package(fmt 9 REQUIRED)
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
set(SD_FMT_HEADERS "${CMAKE_BINARY_DIR}/headers")
file(MAKE_DIRECTORY "${SD_FMT_HEADERS}")
file(CREATE_LINK "${fmt_headers}/fmt" "${SD_FMT_HEADERS}/fmt" SYMBOLIC)
