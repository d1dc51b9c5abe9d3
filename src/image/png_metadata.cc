#include "image/png_metadata.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "image/file_bytes.h"
#include "image/formats/decoders.h"
#include "image/formats/png_chunks.h"

namespace sd {
namespace {

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One text chunk, taken apart from the front.
class TextChunk {
 public:
  TextChunk(const PngChunk& chunk, const std::string& name)
      : type_(chunk.type), left_(as_text(chunk.data)), name_(name) {}

  /// Up to the next NUL, which must be there.
  std::string_view until_nul(const char* what) {
    const size_t end = left_.find('\0');
    if (end == std::string_view::npos) fail(format("its %s does not end", what));
    const std::string_view taken = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return taken;
  }

  unsigned byte(const char* what) {
    if (left_.empty()) fail(format("its %s is missing", what));
    const auto value = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return value;
  }

  std::string_view rest() const { return left_; }

  /// The rest inflated, at most `limit` bytes.
  std::string inflated(size_t limit) const {
    z_stream zlib = {};
    if (inflateInit(&zlib) != Z_OK) throw Error(ErrorKind::kInternal, "zlib cannot be started");
    const std::string copy(left_);
    std::string out;
    std::array<char, 16384> buffer;
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(copy.data()));
    zlib.avail_in = static_cast<uInt>(copy.size());
    int status = Z_OK;
    while (status == Z_OK && out.size() <= limit) {
      zlib.next_out = reinterpret_cast<Bytef*>(buffer.data());
      zlib.avail_out = static_cast<uInt>(buffer.size());
      status = inflate(&zlib, Z_NO_FLUSH);
      out.append(buffer.data(), buffer.size() - zlib.avail_out);
    }
    inflateEnd(&zlib);
    if (out.size() > limit) fail(format("it inflates to more than %zu bytes", limit));
    if (status != Z_STREAM_END) fail("it does not inflate");
    return out;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw_damaged(name_, "PNG", "in a " + type_ + " chunk, " + what);
  }

 private:
  const std::string& type_;
  std::string_view left_;
  const std::string& name_;
};

std::string read_international(TextChunk& chunk, size_t limit) {
  const unsigned packed = chunk.byte("compression flag");
  const unsigned method = chunk.byte("compression method");
  chunk.until_nul("language");
  chunk.until_nul("translated keyword");
  if (packed > 1 || (packed == 1 && method != 0)) chunk.fail("its compression is unknown");
  std::string text = packed == 1 ? chunk.inflated(limit) : std::string(chunk.rest());
  if (!is_valid_utf8(text)) chunk.fail("its text is not UTF-8");
  return text;
}

std::string read_compressed(TextChunk& chunk, size_t limit) {
  if (chunk.byte("compression method") != 0) chunk.fail("its compression is unknown");
  return latin1_to_utf8(chunk.inflated(limit));
}

}  // namespace

const std::string* PngMetadata::find(std::string_view keyword) const {
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [&](const auto& text) { return text.first == keyword; });
  return found == texts.end() ? nullptr : &found->second;
}

PngMetadata decode_png_metadata(std::span<const uint8_t> bytes, const std::string& name) {
  PngMetadata metadata;
  PngChunks chunks(bytes, name);
  size_t left = kMaxPngTextBytes;
  while (const auto found = chunks.next()) {
    const bool plain = found->type == "tEXt";
    if (!plain && found->type != "zTXt" && found->type != "iTXt") continue;
    TextChunk chunk(*found, name);
    std::string keyword = latin1_to_utf8(chunk.until_nul("keyword"));
    std::string text;
    if (plain) {
      text = latin1_to_utf8(chunk.rest());
    } else {
      text = found->type == "zTXt" ? read_compressed(chunk, left) : read_international(chunk, left);
    }
    if (keyword.size() + text.size() > left) chunk.fail("the file's texts grow too long");
    left -= keyword.size() + text.size();
    metadata.add(std::move(keyword), std::move(text));
  }
  if (chunks.cut_short()) throw_damaged(name, "PNG", "it is cut short");
  return metadata;
}

PngMetadata read_png_metadata(const std::filesystem::path& path) {
  return decode_png_metadata(read_file_bytes(path), path.string());
}

}  // namespace sd
