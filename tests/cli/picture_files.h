#pragma once

// jpeglib.h wants what <cstdio> declares before it.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <jpeglib.h>

#include "image/image.h"

/// Pictures in the formats that the program reads and does not write.
namespace sd::test {

/// The number in `bytes` bytes, the lowest first.
inline std::string little_endian(uint32_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i) & 255);
  return text;
}

/// 24 bits, from the bottom.
inline std::string bmp_bytes(const Image& image) {
  const auto width = static_cast<uint32_t>(image.width);
  const auto height = static_cast<uint32_t>(image.height);
  const std::string padding(image.stride() % 4 == 0 ? 0 : 4 - image.stride() % 4, '\0');
  std::string pixels;
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 2; c >= 0; --c) pixels += static_cast<char>(image.at(x, y)[c]);
    }
    pixels += padding;
  }
  const auto size = static_cast<uint32_t>(pixels.size());
  return "BM" + little_endian(54 + size, 4) + little_endian(0, 4) + little_endian(54, 4) +
         little_endian(40, 4) + little_endian(width, 4) + little_endian(height, 4) +
         little_endian(1, 2) + little_endian(24, 2) + little_endian(0, 4) + little_endian(size, 4) +
         std::string(16, '\0') + pixels;
}

/// Of the pixels' red, one of 128 grays. LZW that never grows its table: every code is a pixel, in
/// eight bits, and the table is cleared in time.
inline std::string gif_bytes(const Image& image) {
  constexpr int kClear = 128, kEnd = 129, kPixelsATable = 120;
  std::string codes;
  const size_t count = image.pixels();
  for (size_t i = 0; i < count; ++i) {
    if (i % kPixelsATable == 0) codes += static_cast<char>(kClear);
    codes += static_cast<char>(image.rgb[i * 3] / 2);
  }
  codes += static_cast<char>(kEnd);
  const std::string size = little_endian(static_cast<uint32_t>(image.width), 2) +
                           little_endian(static_cast<uint32_t>(image.height), 2);
  std::string bytes = "GIF89a" + size + "\xF6" + std::string(2, '\0');  // a palette of 128
  for (int gray = 0; gray < 128; ++gray) bytes += std::string(3, static_cast<char>(gray * 2));
  bytes += "," + std::string(4, '\0') + size + std::string(1, '\0') + "\7";
  for (size_t at = 0; at < codes.size(); at += 255) {
    const std::string block = codes.substr(at, 255);
    bytes += static_cast<char>(block.size()) + block;
  }
  return bytes + std::string(1, '\0') + ";";
}

inline std::string jpeg_bytes(const Image& image) {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < image.height; ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(image.row(y));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string bytes(reinterpret_cast<const char*>(buffer), size);
  jpeg_destroy_compress(&jpeg);
  std::free(buffer);
  return bytes;
}

/// A JPEG whose EXIF data say that it must be turned so.
inline std::string with_orientation(const std::string& jpeg, int orientation) {
  std::string exif("Exif\0\0II*\0", 10);
  exif += little_endian(8, 4) + little_endian(1, 2);  // one directory of one entry
  exif += little_endian(0x0112, 2) + little_endian(3, 2) + little_endian(1, 4);
  exif += little_endian(static_cast<uint32_t>(orientation), 4) + little_endian(0, 4);
  const auto length = static_cast<uint32_t>(exif.size() + 2);
  return jpeg.substr(0, 2) + "\xFF\xE1" + static_cast<char>(length >> 8) +
         static_cast<char>(length & 255) + exif + jpeg.substr(2);
}

}  // namespace sd::test
