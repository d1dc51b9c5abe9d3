#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/new_file.h"
#include "base/strings.h"
#include "image/formats/decoders.h"
#include "image/formats/png_chunks.h"
#include "image/image_io.h"

namespace sd {
namespace {

constexpr int kZlibLevel = 4;  // 6 takes up to four times as long for 0 to 8 % less

void put_big32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xFF);
}

void put_chunk(std::string& out, std::string_view type, std::string_view data) {
  put_big32(out, static_cast<uint32_t>(data.size()));
  const size_t start = out.size();
  out.append(type).append(data);
  const auto* summed = reinterpret_cast<const Bytef*>(out.data() + start);
  const uLong sum = crc32_z(crc32_z(0, nullptr, 0), summed, out.size() - start);
  put_big32(out, static_cast<uint32_t>(sum));
}

void put_header(std::string& out, const Image& image) {
  std::string header;
  put_big32(header, static_cast<uint32_t>(image.width));
  put_big32(header, static_cast<uint32_t>(image.height));
  header += std::string_view("\x08\x02\x00\x00\x00", 5);  // 8 bits, RGB, not interlaced
  put_chunk(out, "IHDR", header);
}

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
                    keyword.back() != ' ' &&
                    std::all_of(keyword.begin(), keyword.end(), printable_ascii);
  if (!fits) {
    throw Error(ErrorKind::kUsage,
                "a PNG keyword is 1 to 79 characters of printable ASCII, not \"" +
                    printable(keyword) + "\"");
  }
  if (!is_valid_utf8(text)) {
    throw Error(ErrorKind::kUsage, "the metadata " + keyword + " is not UTF-8: " + printable(text));
  }
  if (text.size() > kMaxPngTextBytes) {
    throw Error(ErrorKind::kUsage, format("the metadata %s has %zu bytes, at most %zu fit",
                                          keyword.c_str(), text.size(), kMaxPngTextBytes));
  }
}

void put_text(std::string& out, const std::string& keyword, const std::string& text) {
  check_text(keyword, text);
  const std::string clean = without_nul(text);
  std::string data = keyword + '\0';
  if (const auto latin1 = to_latin1(clean)) {
    put_chunk(out, "tEXt", data + *latin1);
  } else {
    data.append(4, '\0');  // not compressed, method 0, no language, no translated keyword
    put_chunk(out, "iTXt", data + clean);
  }
}

// ---- pixels

constexpr size_t kFilters = 5;
using Line = std::vector<uint8_t>;

/// A row filtered each of the five ways, the filter's number in front. `above` and `row` have a
/// black pixel before their first.
void filter_row(const uint8_t* above, const uint8_t* row, size_t size,
                std::array<Line, kFilters>& lines) {
  for (size_t i = 0; i < size; ++i) {
    const int value = row[i + 3], left = row[i], up = above[i + 3], corner = above[i];
    lines[0][i + 1] = static_cast<uint8_t>(value);
    lines[1][i + 1] = static_cast<uint8_t>(value - left);
    lines[2][i + 1] = static_cast<uint8_t>(value - up);
    lines[3][i + 1] = static_cast<uint8_t>(value - (left + up) / 2);
    lines[4][i + 1] = static_cast<uint8_t>(value - png_paeth(left, up, corner));
  }
}

/// How hard a line is to compress, as the PNG specification estimates it.
uint64_t cost(const Line& line) {
  uint64_t sum = 0;
  for (size_t i = 1; i < line.size(); ++i) sum += line[i] < 128 ? line[i] : 256U - line[i];
  return sum;
}

class Deflater {
 public:
  Deflater() {
    const int status = deflateInit2(&zlib_, kZlibLevel, Z_DEFLATED, 15, 9, Z_FILTERED);
    if (status != Z_OK) throw Error(ErrorKind::kInternal, "zlib cannot be started");
  }
  ~Deflater() { deflateEnd(&zlib_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void add(const Line& line) { run(line.data(), line.size(), Z_NO_FLUSH); }
  std::string finish() {
    run(nullptr, 0, Z_FINISH);
    return std::move(out_);
  }

 private:
  void run(const uint8_t* data, size_t size, int flush) {
    zlib_.next_in = const_cast<Bytef*>(data);  // zlib's interface; it only reads
    zlib_.avail_in = static_cast<uInt>(size);
    do {
      zlib_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      zlib_.avail_out = static_cast<uInt>(buffer_.size());
      deflate(&zlib_, flush);
      out_.append(buffer_.data(), buffer_.size() - zlib_.avail_out);
    } while (zlib_.avail_out == 0);
  }

  z_stream zlib_ = {};
  std::array<char, 65536> buffer_;
  std::string out_;
};

std::string deflate_pixels(const Image& image) {
  const size_t size = image.stride();
  std::array<Line, kFilters> lines;
  for (size_t f = 0; f < kFilters; ++f) {
    lines[f].resize(size + 1);
    lines[f][0] = static_cast<uint8_t>(f);
  }
  Line above(size + 3), row(size + 3);
  Deflater deflater;
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.row(y), size, row.begin() + 3);
    filter_row(above.data(), row.data(), size, lines);
    std::array<uint64_t, kFilters> costs;
    std::transform(lines.begin(), lines.end(), costs.begin(), cost);
    const auto best = std::min_element(costs.begin(), costs.end()) - costs.begin();
    deflater.add(lines[static_cast<size_t>(best)]);
    row.swap(above);
  }
  return deflater.finish();
}

}  // namespace

std::string encode_png(const Image& image, const PngMetadata& metadata) {
  constexpr size_t kMostAChunk = 1U << 30;
  if (image.empty()) throw Error(ErrorKind::kUsage, "a picture without pixels cannot be written");
  std::string out(std::begin(kPngSignature), std::end(kPngSignature));
  put_header(out, image);
  for (const auto& [keyword, text] : metadata.texts) put_text(out, keyword, text);
  const std::string pixels = deflate_pixels(image);
  for (size_t at = 0; at < pixels.size(); at += kMostAChunk) {
    put_chunk(out, "IDAT", std::string_view(pixels).substr(at, kMostAChunk));
  }
  put_chunk(out, "IEND", "");
  return out;
}

WriteOutcome write_png(const std::filesystem::path& path, const Image& image,
                       const PngMetadata& metadata) {
  if (name_is_taken(path)) return WriteOutcome::kExists;
  const std::string bytes = encode_png(image, metadata);
  NewFile file(path);
  file.write(bytes);
  return file.finish() ? WriteOutcome::kWritten : WriteOutcome::kExists;
}

}  // namespace sd
