#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>

#include "image/exif.h"
#include "image/formats/tiff_file.h"

namespace sd::image {
namespace {

/// The most samples of a pixel: CMYK with two of other use, or RGB with three.
constexpr uint32_t kMostSamples = 6;
constexpr uint64_t kMaxBlockBytes = uint64_t{1} << 30;

struct Header {
  uint32_t width = 0, height = 0;
  uint32_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT;
  uint32_t photometric = PHOTOMETRIC_MINISWHITE, compression = COMPRESSION_NONE;
  bool separate = false;       // a block holds one sample of its pixels, not all
  bool premultiplied = false;  // the colors, by the alpha that follows them
  bool by_libtiff = false;     // turned into RGB by it: subsampled YCbCr
  int orientation = 1;
  uint32_t block_width = 0, block_height = 0;  // of a strip or tile
  bool tiled = false;
  Palette palette;

  uint32_t color_samples() const {
    if (photometric == PHOTOMETRIC_RGB) return premultiplied ? 4 : 3;
    return photometric == PHOTOMETRIC_SEPARATED ? 4 : 1;
  }
  size_t row_bytes() const {
    return (size_t{block_width} * bits * (separate ? 1 : samples) + 7) / 8;
  }
};

// ---- the header

bool is_known(const Header& header) {
  const bool whole = header.bits == 8 || header.bits == 16;
  const bool is_uint = header.format == SAMPLEFORMAT_UINT;
  const uint32_t bits = header.bits;
  switch (header.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      if (header.format == SAMPLEFORMAT_IEEEFP) return bits == 32;
      if (header.format == SAMPLEFORMAT_INT) return bits == 16 || bits == 32;
      return is_uint && (bits == 1 || bits == 2 || bits == 4 || bits == 12 || bits == 32 || whole);
    case PHOTOMETRIC_PALETTE:
      return is_uint && (bits == 1 || bits == 2 || bits == 4 || bits == 8);
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_SEPARATED:
      return is_uint && whole;
    default:
      return false;
  }
}

void read_palette(const TiffFile& file, Header& header) {
  uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (TIFFGetField(file.get(), TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
    file.fail("its palette is missing");
  }
  for (size_t i = 0; i < size_t{1} << header.bits; ++i) {
    const auto upper = [&](const uint16_t* values) { return static_cast<uint8_t>(values[i] >> 8); };
    header.palette.set(i, upper(red), upper(green), upper(blue));
  }
}

bool has_premultiplied_alpha(const TiffFile& file, const Header& header) {
  uint16_t count = 0;
  uint16_t* kinds = nullptr;
  return header.photometric == PHOTOMETRIC_RGB && header.samples > 3 &&
         TIFFGetField(file.get(), TIFFTAG_EXTRASAMPLES, &count, &kinds) == 1 && count > 0 &&
         kinds[0] == EXTRASAMPLE_ASSOCALPHA;
}

/// YCbCr: libjpeg makes RGB of it where each pixel has all three samples in one block, else
/// libtiff.
void choose_ycbcr(const TiffFile& file, Header& header) {
  if (header.compression == COMPRESSION_OJPEG) header.photometric = PHOTOMETRIC_YCBCR;
  if (header.photometric != PHOTOMETRIC_YCBCR) return;
  if (header.compression == COMPRESSION_JPEG && !header.separate) {
    TIFFSetField(file.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    header.photometric = PHOTOMETRIC_RGB;
  } else {
    header.by_libtiff = true;
  }
}

void check_kind(const TiffFile& file, const Header& header, const std::string& name) {
  std::array<char, 1024> why = {};
  const bool fits = header.by_libtiff
                        ? TIFFRGBAImageOK(file.get(), why.data()) == 1
                        : is_known(header) && header.samples >= header.color_samples() &&
                              header.samples <= kMostSamples;
  if (fits && TIFFIsCODECConfigured(static_cast<uint16_t>(header.compression)) == 1) return;
  throw Error(
      ErrorKind::kFile,
      fmt::format("{}: a TIFF of color mode {} with {} samples of {} bits and compression {}, "
                  "which this program does not read",
                  name, header.photometric, header.samples, header.bits, header.compression),
      "save it as PNG");
}

/// The most pixels that a file of that size can hold. One of little more than a fax's white page
/// may be blank.
uint64_t most_pixels(const Header& header, ByteSpan bytes) {
  constexpr uint64_t kAByteWhenPacked = 16384;
  if (header.compression != COMPRESSION_NONE) return bytes.size() * kAByteWhenPacked;
  return uint64_t{bytes.size()} * 8 / header.bits;
}

void read_blocks_layout(const TiffFile& file, Header& header) {
  header.tiled = TIFFIsTiled(file.get()) != 0;
  header.block_width = header.tiled ? file.number32(TIFFTAG_TILEWIDTH) : header.width;
  header.block_height = header.tiled ? file.number32(TIFFTAG_TILELENGTH)
                                     : std::min(file.number32(TIFFTAG_ROWSPERSTRIP), header.height);
  if (header.block_width == 0 || header.block_height == 0) file.fail("its blocks have no size");
}

Header parse(const TiffFile& file, ByteSpan bytes, const std::string& name) {
  Header header;
  header.width = file.number32(TIFFTAG_IMAGEWIDTH);
  header.height = file.number32(TIFFTAG_IMAGELENGTH);
  check_dimensions(header.width, header.height, name);
  header.bits = file.number16(TIFFTAG_BITSPERSAMPLE);
  header.samples = file.number16(TIFFTAG_SAMPLESPERPIXEL);
  header.format = file.number16(TIFFTAG_SAMPLEFORMAT);
  header.photometric = file.number16(TIFFTAG_PHOTOMETRIC);
  header.compression = file.number16(TIFFTAG_COMPRESSION);
  header.separate =
      header.samples > 1 && file.number16(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
  header.orientation = static_cast<int>(file.number16(TIFFTAG_ORIENTATION));
  TIFFSetField(file.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);  // it is ours to turn
  choose_ycbcr(file, header);
  check_kind(file, header, name);
  header.premultiplied = has_premultiplied_alpha(file, header);
  if (header.photometric == PHOTOMETRIC_PALETTE) read_palette(file, header);
  read_blocks_layout(file, header);
  const uint64_t held = most_pixels(header, bytes);
  check_claim(header.width, header.height, held, name);
  check_claim(header.block_width, header.block_height, held, name);
  return header;
}

// ---- samples → RGB

/// Sample number k of a row of samples of that many bits.
uint32_t sample_at(const uint8_t* row, size_t k, uint32_t bits) {
  if (bits == 8) return row[k];
  if (bits == 16) return reinterpret_cast<const uint16_t*>(row)[k];
  if (bits == 32) return reinterpret_cast<const uint32_t*>(row)[k];
  if (bits == 12) {
    const uint8_t* at = row + k * 3 / 2;
    return k % 2 == 0 ? at[0] << 4U | at[1] >> 4U : (at[0] & 15U) << 8U | at[1];
  }
  const size_t bit = k * bits;
  return (row[bit / 8] >> (8 - bits - bit % 8)) & ((1U << bits) - 1);
}

/// Gray as Pillow makes it: what has more than 8 bits is cut at 255, and never inverted.
uint8_t gray_of(const Header& header, uint32_t value) {
  if (header.format == SAMPLEFORMAT_IEEEFP) {
    const float light = std::bit_cast<float>(value);
    return light > 0 ? static_cast<uint8_t>(std::min(light, 255.0F)) : uint8_t{0};
  }
  if (header.bits > 8) {
    const bool is_signed = header.format == SAMPLEFORMAT_INT || header.bits == 32;
    const bool negative = is_signed && (value >> (header.bits - 1)) != 0;
    return negative ? uint8_t{0} : static_cast<uint8_t>(std::min(value, 255U));
  }
  const uint32_t gray = value * 255 / ((1U << header.bits) - 1);
  return static_cast<uint8_t>(header.photometric == PHOTOMETRIC_MINISWHITE ? 255 - gray : gray);
}

void put_pixel(const Header& header, const std::array<uint32_t, 4>& samples, uint8_t* rgb) {
  const auto upper = [&](size_t k) {
    return static_cast<uint8_t>(header.bits == 16 ? samples[k] >> 8 : samples[k]);
  };
  const auto ink = [&](size_t k) { return static_cast<uint8_t>(255 - upper(k)); };
  switch (header.photometric) {
    case PHOTOMETRIC_PALETTE:
      std::copy_n(header.palette[samples[0]], 3, rgb);
      return;
    case PHOTOMETRIC_SEPARATED:
      inverted_cmyk_to_rgb({ink(0), ink(1), ink(2), ink(3)}, rgb);
      return;
    case PHOTOMETRIC_RGB:
      for (size_t c = 0; c < 3; ++c) {
        const uint32_t alpha = header.premultiplied ? upper(3) : 255;
        rgb[c] = static_cast<uint8_t>(alpha == 0 ? 0 : std::min(upper(c) * 255U / alpha, 255U));
      }
      return;
    default:
      std::fill_n(rgb, 3, gray_of(header, samples[0]));
  }
}

// ---- blocks: strips or tiles

/// The part of a block that lies in the picture.
struct Place {
  uint32_t x = 0, y = 0, width = 0, height = 0;
};

using Block = std::vector<uint8_t>;

/// Reads the block at that place: all its samples, or one.
void read_block(const TiffFile& file, const Header& header, const Place& place, uint16_t sample,
                Block& block) {
  TIFF* tiff = file.get();
  const auto size = static_cast<tmsize_t>(block.size());
  // The last strip has fewer rows than the others.
  const size_t rows = header.tiled ? header.block_height : place.height;
  const auto needed = static_cast<tmsize_t>(header.row_bytes() * rows);
  const tmsize_t read =
      header.tiled ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, place.x, place.y, 0, sample),
                                         block.data(), size)
                   : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, place.y, sample),
                                          block.data(), needed);
  if (read < needed) file.fail("its pixels end too early");
}

void put_block(const Header& header, const Place& place, const std::vector<Block>& blocks,
               Image& image) {
  const size_t step = header.separate ? 1 : header.samples;
  for (uint32_t y = 0; y < place.height; ++y) {
    uint8_t* rgb = image.at(static_cast<int>(place.x), static_cast<int>(place.y + y));
    for (size_t x = 0; x < place.width; ++x, rgb += 3) {
      std::array<uint32_t, 4> samples = {};
      for (size_t k = 0; k < header.color_samples(); ++k) {
        const Block& block = blocks[header.separate ? k : 0];
        const uint8_t* row = block.data() + y * header.row_bytes();
        samples[k] = sample_at(row, x * step + (header.separate ? 0 : k), header.bits);
      }
      put_pixel(header, samples, rgb);
    }
  }
}

/// Subsampled YCbCr. libtiff gives the rows of a block from its last to its first.
void put_block_by_libtiff(const TiffFile& file, const Header& header, const Place& place,
                          std::vector<uint32_t>& raster, Image& image) {
  const int fine = header.tiled
                       ? TIFFReadRGBATileExt(file.get(), place.x, place.y, raster.data(), 1)
                       : TIFFReadRGBAStripExt(file.get(), place.y, raster.data(), 1);
  if (fine != 1) file.fail("its pixels end too early");
  const uint32_t last = (header.tiled ? header.block_height : place.height) - 1;
  for (uint32_t y = 0; y < place.height; ++y) {
    const uint32_t* row = raster.data() + size_t{last - y} * header.block_width;
    uint8_t* rgb = image.at(static_cast<int>(place.x), static_cast<int>(place.y + y));
    for (uint32_t x = 0; x < place.width; ++x, rgb += 3) {
      rgb[0] = static_cast<uint8_t>(TIFFGetR(row[x]));
      rgb[1] = static_cast<uint8_t>(TIFFGetG(row[x]));
      rgb[2] = static_cast<uint8_t>(TIFFGetB(row[x]));
    }
  }
}

template <class Put>
void for_each_block(const Header& header, const Put& put) {
  for (uint32_t y = 0; y < header.height; y += header.block_height) {
    for (uint32_t x = 0; x < header.width; x += header.block_width) {
      put(Place{x, y, std::min(header.block_width, header.width - x),
                std::min(header.block_height, header.height - y)});
    }
  }
}

Image read_pixels(const TiffFile& file, const Header& header) {
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  const uint64_t block_pixels = uint64_t{header.block_width} * header.block_height;
  if (header.by_libtiff) {
    std::vector<uint32_t> raster(block_pixels);
    for_each_block(header, [&](const Place& place) {
      put_block_by_libtiff(file, header, place, raster, image);
    });
    return image;
  }
  const uint64_t bytes = std::max<uint64_t>(
      uint64_t{header.row_bytes()} * header.block_height,
      header.tiled ? static_cast<uint64_t>(TIFFTileSize64(file.get())) : uint64_t{0});
  const size_t count = header.separate ? header.color_samples() : 1;
  if (bytes > kMaxBlockBytes / count) file.fail("its blocks are too large");
  std::vector<Block> blocks(count, Block(bytes));
  for_each_block(header, [&](const Place& place) {
    for (uint16_t k = 0; k < count; ++k) read_block(file, header, place, k, blocks[k]);
    put_block(header, place, blocks, image);
  });
  return image;
}

}  // namespace

Image decode_tiff(ByteSpan bytes, const std::string& name) {
  const TiffFile file(bytes, name);
  const Header header = parse(file, bytes, name);
  const Image image = read_pixels(file, header);
  const bool clips = header.photometric <= PHOTOMETRIC_MINISBLACK && header.bits > 8;
  if (clips) tell_clipped_gray(name);
  return apply_orientation(image, header.orientation);
}

}  // namespace sd::image
