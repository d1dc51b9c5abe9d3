#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <optional>

#include "base/new_file.h"
#include "base/strings.h"
#include "image/formats/libpng.h"
#include "image/image_io.h"

namespace sd::image {
namespace {

constexpr int kZlibLevel = 4;  // 6 takes up to four times as long for 0 to 8 % less
/// The other three make drawn pictures 0.05 % smaller and take 7 % longer.
constexpr int kFilters = PNG_FILTER_AVG | PNG_FILTER_PAETH;

// ---- text

/// The text in Latin-1 if that can hold it. `text` is valid UTF-8.
std::optional<std::string> to_latin1(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out += text[i];
    } else if (lead <= 0xC3) {  // U+0080 to U+00FF
      const auto next = static_cast<unsigned char>(text[++i]);
      out += static_cast<char>(((lead & 3U) << 6) | (next & 0x3FU));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string without_nul(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0') {
      out += "\u2400";
    } else {
      out += c;
    }
  }
  return out;
}

void check_text(const std::string& keyword, const std::string& text) {
  const auto printable_ascii = [](char c) { return c >= ' ' && c <= '~'; };
  const bool fits = !keyword.empty() && keyword.size() <= 79 && keyword.front() != ' ' &&
                    keyword.back() != ' ' && keyword.find("  ") == std::string::npos &&
                    std::all_of(keyword.begin(), keyword.end(), printable_ascii);
  if (!fits) {
    throw Error(ErrorKind::kUsage,
                "a PNG keyword is 1 to 79 characters of printable ASCII without outer or double "
                "spaces, not \"" +
                    printable(keyword) + "\"");
  }
  if (!is_valid_utf8(text)) {
    throw Error(ErrorKind::kUsage, "the metadata " + keyword + " is not UTF-8: " + printable(text));
  }
  if (text.size() > kMaxPngTextBytes) {
    throw Error(ErrorKind::kUsage, fmt::format("the metadata {} has {} bytes, at most {} fit",
                                               keyword, text.size(), kMaxPngTextBytes));
  }
}

/// A text as libpng takes it: tEXt if Latin-1 can hold it, else iTXt, none compressed.
struct Text {
  std::string keyword, text;
  bool latin1 = false;

  png_text view() {
    png_text out = {};
    out.compression = latin1 ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    out.key = keyword.data();
    out.text = text.data();
    out.text_length = latin1 ? text.size() : 0;
    out.itxt_length = latin1 ? 0 : text.size();
    return out;
  }
};

Text prepare(const std::string& keyword, const std::string& text) {
  check_text(keyword, text);
  std::string clean = without_nul(text);
  auto latin1 = to_latin1(clean);
  if (latin1) return {keyword, *std::move(latin1), true};
  return {keyword, std::move(clean), false};
}

// ---- libpng

/// A PNG in memory, written by libpng.
class PngWriter : public PngErrors {
 public:
  PngWriter() {
    PngErrors* errors = this;
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, errors, on_error, on_warning);
    info = png == nullptr ? nullptr : png_create_info_struct(png);
    if (info == nullptr) throw Error(ErrorKind::kInternal, "libpng cannot be started");
    png_set_write_fn(png, this, on_write, nullptr);
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string out;

 private:
  static void on_warning(png_structp png, png_const_charp message) { on_error(png, message); }
  static void on_write(png_structp png, png_bytep data, size_t size) {
    auto* self = static_cast<PngWriter*>(png_get_io_ptr(png));
    try {
      self->out.append(reinterpret_cast<const char*>(data), size);
      return;
    } catch (const std::bad_alloc&) {
    }
    png_error(png, "out of memory");
  }
};

void write_all(PngWriter& writer, const Image& image, std::vector<png_text>& texts) {
  constexpr size_t kChunkBytes = 65536;
  png_structp png = writer.png;
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(png, writer.info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_text(png, writer.info, texts.data(), static_cast<int>(texts.size()));
  png_set_filter(png, PNG_FILTER_TYPE_BASE, kFilters);
  png_set_compression_level(png, kZlibLevel);
  png_set_compression_mem_level(png, 9);
  png_set_compression_strategy(png, Z_FILTERED);
  png_set_compression_buffer_size(png, kChunkBytes);
  png_write_info(png, writer.info);
  for (int y = 0; y < image.height; ++y) png_write_row(png, image.row(y));
  png_write_end(png, nullptr);
}

}  // namespace

std::string encode_png(const Image& image, const PngMetadata& metadata) {
  if (image.empty()) throw Error(ErrorKind::kUsage, "a picture without pixels cannot be written");
  std::vector<Text> texts;
  for (const auto& [keyword, text] : metadata.texts) texts.push_back(prepare(keyword, text));
  std::vector<png_text> views;
  views.reserve(texts.size());
  for (Text& text : texts) views.push_back(text.view());
  PngWriter writer;
  if (!writer.attempt([&] { write_all(writer, image, views); })) {
    throw Error(ErrorKind::kInternal, std::string("a PNG cannot be made: ") + writer.message());
  }
  return std::move(writer.out);
}

WriteOutcome write_png(const std::filesystem::path& path, const Image& image,
                       const PngMetadata& metadata) {
  if (name_is_taken(path)) return WriteOutcome::kExists;
  const std::string bytes = encode_png(image, metadata);
  NewFile file(path);
  file.write(bytes);
  return file.finish() ? WriteOutcome::kWritten : WriteOutcome::kExists;
}

}  // namespace sd::image
