#pragma once

// jpeglib.h needs FILE and size_t to be declared before it.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <csetjmp>

namespace sd::image {

/// libjpeg reports an error by a call that must not return: `on_jpeg_error` keeps the message and
/// jumps `back` to whoever called libjpeg.
struct JpegErrors {
  jpeg_error_mgr base;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] inline void on_jpeg_error(j_common_ptr info) {
  auto* state = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, state->message);
  std::longjmp(state->back, 1);
}

}  // namespace sd::image
