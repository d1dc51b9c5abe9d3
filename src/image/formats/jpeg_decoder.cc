#include <fmt/core.h>

#include <cstddef>
#include <cstdio>

#include "base/strings.h"
#include "image/formats/decoders.h"
#include "image/formats/jpeg_errors.h"

namespace sd::image {
namespace {

/// A progressive file of few bytes may ask for scan after scan over every pixel.
constexpr int kMaxScans = 500;

[[noreturn]] void fail(j_common_ptr info, const char* what) {
  auto* state = reinterpret_cast<JpegErrors*>(info->err);
  std::snprintf(state->message, sizeof state->message, "%s", what);
  std::longjmp(state->back, 1);
}

/// Damage that libjpeg repairs stays silent, as in Pillow.
void on_message(j_common_ptr, int) {}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    fail(info, "it has too many scans");
  }
}

// ---- the file's bytes as libjpeg's source -------------------------------------------------------

void on_source(j_decompress_ptr) {}

boolean on_source_empty(j_decompress_ptr info) {
  fail(reinterpret_cast<j_common_ptr>(info), "it is cut short");
}

void on_skip(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) on_source_empty(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

jpeg_source_mgr source_of(ByteSpan bytes) {
  jpeg_source_mgr source = {};
  source.init_source = on_source;
  source.term_source = on_source;
  source.fill_input_buffer = on_source_empty;
  source.skip_input_data = on_skip;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.next_input_byte = bytes.data();
  source.bytes_in_buffer = bytes.size();
  return source;
}

/// Refuses a file that is too small for its sides before memory for them is asked for. In Huffman
/// codes each block of 64 values of the finest channel takes a bit at least.
void check_size(const jpeg_decompress_struct& info, ByteSpan bytes, const std::string& name) {
  const uint64_t held = uint64_t{bytes.size()} * 8 * 64;
  if (info.arith_code == FALSE && uint64_t{info.image_width} * info.image_height > held) {
    throw_damaged(name, "JPEG",
                  fmt::format("{}x{} pixels do not fit into its {} bytes", info.image_width,
                              info.image_height, bytes.size()));
  }
  check_claim(info.image_width, info.image_height, held, name);
}

/// Everything that must outlive a jump. It is destroyed by decode_jpeg, never jumped over.
struct Decoder {
  jpeg_decompress_struct info = {};
  JpegErrors error = {};
  jpeg_progress_mgr progress = {};
  jpeg_source_mgr source = {};
  std::vector<uint8_t> line;
  Image image;

  ~Decoder() { jpeg_destroy_decompress(&info); }
};

/// Only this function and the ones below it may be jumped out of: they own nothing.
bool read_header(Decoder& decoder) {
  if (setjmp(decoder.error.back) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.info.src = &decoder.source;
  decoder.info.progress = &decoder.progress;
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

/// RGB or CMYK rows, with the exact integer transform and smooth chroma, as in Pillow.
bool start(Decoder& decoder) {
  if (setjmp(decoder.error.back) != 0) return false;
  const bool cmyk = decoder.info.num_components == 4;
  decoder.info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  decoder.info.dct_method = JDCT_ISLOW;
  decoder.info.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&decoder.info);
  return true;
}

bool read_rows(Decoder& decoder) {
  if (setjmp(decoder.error.back) != 0) return false;
  jpeg_decompress_struct& info = decoder.info;
  while (info.output_scanline < info.output_height) {
    uint8_t* to = decoder.image.row(static_cast<int>(info.output_scanline));
    JSAMPROW line = info.output_components == 4 ? decoder.line.data() : to;
    jpeg_read_scanlines(&info, &line, 1);
    if (info.output_components != 4) continue;
    for (JDIMENSION x = 0; x < info.output_width; ++x, line += 4, to += 3) {
      inverted_cmyk_to_rgb({line[0], line[1], line[2], line[3]}, to);
    }
  }
  return true;
}

}  // namespace

Image decode_jpeg(ByteSpan bytes, const std::string& name) {
  Decoder decoder;
  jpeg_decompress_struct& info = decoder.info;
  info.err = jpeg_std_error(&decoder.error.base);
  decoder.error.base.error_exit = on_jpeg_error;
  decoder.error.base.emit_message = on_message;
  decoder.progress.progress_monitor = on_progress;
  decoder.source = source_of(bytes);
  const auto check = [&](bool fine) {
    if (!fine) throw_damaged(name, "JPEG", printable(decoder.error.message));
  };
  check(read_header(decoder));
  check_dimensions(info.image_width, info.image_height, name);
  if (info.num_components != 1 && info.num_components != 3 && info.num_components != 4) {
    throw Error(ErrorKind::kFile,
                fmt::format("{}: a JPEG of {} channels, where 1, 3 or 4 are known", name,
                            info.num_components));
  }
  check_size(info, bytes, name);
  check(start(decoder));
  decoder.image = Image(static_cast<int>(info.output_width), static_cast<int>(info.output_height));
  decoder.line.resize(static_cast<size_t>(info.output_width) * 4);
  check(read_rows(decoder));
  return std::move(decoder.image);
}

}  // namespace sd::image
