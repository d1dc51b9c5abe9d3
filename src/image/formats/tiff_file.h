#pragma once

#include <tiffio.h>

#include <string>

#include "image/formats/decoders.h"

namespace sd::image {

/// A TIFF in memory, read by libtiff, which says nothing on stderr and opens no file.
class TiffFile {
 public:
  /// `bytes` must outlive it. Throws Error(kFile) when libtiff cannot read the first directory.
  TiffFile(ByteSpan bytes, const std::string& name);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* get() const { return tiff_; }
  /// A number of the first directory, or the default of its tag, or 0.
  uint32_t number32(uint32_t tag) const;
  uint32_t number16(uint32_t tag) const;

  /// Throws Error(kFile): what libtiff said last, or `what`.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  static tmsize_t on_read(thandle_t self, void* to, tmsize_t size);
  static toff_t on_seek(thandle_t self, toff_t offset, int whence);
  static toff_t on_size(thandle_t self);
  static int on_error(TIFF*, void* self, const char* module, const char* format, va_list values);
  static int on_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

  ByteSpan bytes_;
  const std::string& name_;
  uint64_t at_ = 0;
  std::string message_;
  TIFF* tiff_ = nullptr;
};

}  // namespace sd::image
