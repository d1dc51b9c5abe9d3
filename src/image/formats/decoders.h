#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"
#include "sd/error.h"

/// One function a format, all with decode_image's contract: see image/image_io.h.
namespace sd::image {

using ByteSpan = std::span<const uint8_t>;

bool is_webp(ByteSpan bytes);
bool is_lossy_webp(ByteSpan bytes);  ///< of a WebP: whether its first frame is lossy
bool is_tiff(ByteSpan bytes);        ///< BigTIFF, too

inline constexpr std::string_view kJpegSignature = "\xFF\xD8\xFF";
inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";

Image decode_png(ByteSpan bytes, const std::string& name);
/// The alpha channel of a picture that decode_png or decode_webp takes; nothing if it has none.
std::optional<GrayImage> png_alpha(ByteSpan bytes, const std::string& name);
std::optional<GrayImage> webp_alpha(ByteSpan bytes, const std::string& name);

Image decode_jpeg(ByteSpan bytes, const std::string& name);
Image decode_gif(ByteSpan bytes, const std::string& name);
Image decode_bmp(ByteSpan bytes, const std::string& name);
Image decode_pnm(ByteSpan bytes, const std::string& name);

Image decode_psd(ByteSpan bytes, const std::string& name);
Image decode_hdr(ByteSpan bytes, const std::string& name);
Image decode_webp(ByteSpan bytes, const std::string& name);
/// Turned as its orientation says, as Pillow does for this format alone.
Image decode_tiff(ByteSpan bytes, const std::string& name);

/// TGA has no signature: it is known by the file name's ending or its footer, and a header that
/// makes sense.
bool is_tga(ByteSpan bytes, const std::string& name);
Image decode_tga(ByteSpan bytes, const std::string& name);

/// CMYK stored inverted, which is what Adobe writes and Pillow takes for granted.
void inverted_cmyk_to_rgb(const std::array<uint8_t, 4>& cmyk, uint8_t* rgb);

/// "NAME: a damaged GIF: …", for a picture that is not what its format promises.
[[noreturn]] void throw_damaged(const std::string& name, const char* format_name,
                                const std::string& what);

/// Throws `throw_damaged` where a file of that format has fewer bytes.
void require_bytes(ByteSpan bytes, size_t least, const std::string& name, const char* format_name);

/// Throws unless a picture of these sides is one that this program reads.
void check_dimensions(uint64_t width, uint64_t height, const std::string& name);

/// Throws unless a picture of these sides may come from a file whose data hold at most `held`
/// pixels. What a format lets a file leave out (a GIF's screen around its frame, say) may add to
/// that.
void check_claim(uint64_t width, uint64_t height, uint64_t held, const std::string& name);

/// Says once that gray values above 255 become white, as in the reference.
void tell_clipped_gray(const std::string& name);

/// True if the bytes of `text` stand at that offset.
bool has_text(ByteSpan bytes, std::string_view text, size_t offset = 0);

/// Reads a value at `offset` that the caller has checked to lie within the bytes.
inline uint32_t little16(ByteSpan bytes, size_t offset) {
  return static_cast<uint32_t>(bytes[offset] | (bytes[offset + 1] << 8));
}
inline uint32_t little32(ByteSpan bytes, size_t offset) {
  return little16(bytes, offset) | (little16(bytes, offset + 2) << 16);
}
inline uint32_t big16(ByteSpan bytes, size_t offset) {
  return static_cast<uint32_t>((bytes[offset] << 8) | bytes[offset + 1]);
}
inline uint32_t big32(ByteSpan bytes, size_t offset) {
  return (big16(bytes, offset) << 16) | big16(bytes, offset + 2);
}

/// 256 colours, RGB. Entries that a file leaves out are grays, as in Pillow.
struct Palette {
  Palette();
  void set(size_t index, uint8_t r, uint8_t g, uint8_t b);
  const uint8_t* operator[](size_t index) const { return colours.data() + index * 3; }
  std::vector<uint8_t> colours;  // [256, 3]
};

}  // namespace sd::image
