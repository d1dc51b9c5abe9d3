#pragma once

#include <png.h>

#include <csetjmp>
#include <initializer_list>
#include <string>
#include <utility>

#include "image/formats/decoders.h"

namespace sd::image {

/// libpng reports an error by a call that must not return. Here it jumps back to `attempt`.
class PngErrors {
 public:
  /// Calls `work`, which calls libpng and owns nothing. False once libpng has reported an error.
  template <class Work>
  bool attempt(const Work& work) {
    if (setjmp(back_) != 0) return false;
    work();
    return true;
  }
  const char* message() const { return message_; }

 protected:
  static void on_error(png_structp png, png_const_charp message);

 private:
  std::jmp_buf back_;
  char message_[128] = {};
};

/// A PNG in memory, read by libpng with bounded memory. It reads the chunks that make the pixels
/// and passes over all others, whatever is in them.
class PngReader : public PngErrors {
 public:
  /// `bytes` must outlive it. `memory`: what libpng may ask for at once, in bytes.
  PngReader(ByteSpan bytes, size_t memory);
  ~PngReader();
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  /// Reads these ancillary chunks, too.
  void want(std::initializer_list<const char*> types);
  /// From here on the check sums of the pixels may be wrong: Pillow does not look at them.
  void ignore_pixel_sums() { png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_WARN_DISCARD); }
  /// All chunks are read, the pixels passed over. Jumps on an error.
  void read_all_but_pixels();

  /// What is wrong with the first wanted chunk that was left out because it is damaged, or "".
  const std::string& broken() const { return broken_; }

  png_structp png = nullptr;
  png_infop info = nullptr;

 private:
  static void on_warning(png_structp png, png_const_charp message);
  static void on_read(png_structp png, png_bytep to, size_t size);
  static png_voidp on_allocate(png_structp png, png_alloc_size_t size);
  static void on_free(png_structp png, png_voidp block);

  ByteSpan left_;
  size_t memory_left_;
  std::vector<std::string> wanted_;
  std::string broken_;
};

}  // namespace sd::image
