#include "image/png_metadata.h"

#include <algorithm>

#include "base/strings.h"
#include "image/file_bytes.h"
#include "image/formats/libpng.h"

namespace sd::image {
namespace {

/// A text of the largest size, and its chunk.
constexpr size_t kMemory = 2 * kMaxPngTextBytes + (4U << 20);

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (const char c : text) append_utf8(static_cast<unsigned char>(c), out);
  return out;
}

bool is_international(const png_text& text) {
  return text.compression == PNG_ITXT_COMPRESSION_NONE ||
         text.compression == PNG_ITXT_COMPRESSION_zTXt;
}

/// The text in UTF-8.
std::string text_of(const png_text& text, const std::string& name) {
  if (!is_international(text)) return latin1_to_utf8({text.text, text.text_length});
  std::string utf8(text.text, text.itxt_length);
  if (!is_valid_utf8(utf8)) throw_damaged(name, "PNG", "in an iTXt chunk, its text is not UTF-8");
  return utf8;
}

}  // namespace

const std::string* PngMetadata::find(std::string_view keyword) const {
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [&](const auto& text) { return text.first == keyword; });
  return found == texts.end() ? nullptr : &found->second;
}

PngMetadata decode_png_metadata(std::span<const uint8_t> bytes, const std::string& name) {
  if (!has_text(bytes, kPngSignature)) {
    throw Error(ErrorKind::kFile, name + ": not a PNG: its signature is missing");
  }
  PngReader reader(bytes, kMemory);
  png_set_chunk_malloc_max(reader.png, kMaxPngTextBytes);
  reader.want({"tEXt", "zTXt", "iTXt"});
  if (!reader.attempt([&] { reader.read_all_but_pixels(); })) {
    throw_damaged(name, "PNG", printable(reader.message()));
  }
  if (!reader.broken().empty()) throw_damaged(name, "PNG", printable(reader.broken()));
  png_textp texts = nullptr;
  const int count = png_get_text(reader.png, reader.info, &texts, nullptr);
  PngMetadata metadata;
  size_t total = 0;
  for (int i = 0; i < count; ++i) {
    metadata.add(latin1_to_utf8(texts[i].key), text_of(texts[i], name));
    total += metadata.texts.back().second.size();
    if (total > kMaxPngTextBytes) throw_damaged(name, "PNG", "its texts are too long");
  }
  return metadata;
}

PngMetadata read_png_metadata(const std::filesystem::path& path) {
  return decode_png_metadata(read_file_bytes(path), path.string());
}

}  // namespace sd::image
