#include "image/picture_texts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "image/exif.h"
#include "image/exif_writer.h"
#include "image/formats/decoders.h"
#include "image/formats/webp_file.h"

namespace sd::image {
namespace {

constexpr size_t kMostExif = 65533 - kExifSegment.size();  // of a JPEG's segment

/// JSON without bytes beyond ASCII. What is none has no place in a text of ASCII.
std::string as_ascii(const std::string& record) {
  const nlohmann::json value = parse_json(record, {.depth = 64, .values = 4'000'000});
  return value.is_discarded() ? "" : value.dump(-1, ' ', /*ensure_ascii=*/true);
}

/// Text whose bytes are UTF-8; others are left out.
void add_text(PngMetadata* texts, std::string keyword, ByteSpan bytes) {
  std::string text(bytes.begin(), bytes.end());
  if (is_valid_utf8(keyword) && is_valid_utf8(text)) {
    texts->add(std::move(keyword), std::move(text));
  }
}

/// A JPEG's comment: a keyword, a NUL and a text, or a text alone.
void add_comment(PngMetadata* texts, ByteSpan segment) {
  const auto nul = std::find(segment.begin(), segment.end(), uint8_t{0});
  if (nul == segment.begin() || segment.end() - nul < 2) {
    return add_text(texts, "Comment", {segment.begin(), nul});
  }
  add_text(texts, {segment.begin(), nul}, {nul + 1, segment.end()});
}

/// The comments and XMP packets among a JPEG's segments before its pixels.
void add_segments(PngMetadata* texts, ByteSpan bytes) {
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  for (size_t at = 2; at + 4 <= bytes.size() && bytes[at] == 0xFF;) {
    const unsigned marker = bytes[at + 1];
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) return;  // pixels, or the end
    const size_t length = big16(bytes, at + 2);
    if (length < 2 || at + 2 + length > bytes.size()) return;
    const ByteSpan segment = bytes.subspan(at + 4, length - 2);
    if (marker == 0xFE) add_comment(texts, segment);
    if (marker == 0xE1 && has_text(segment, kXmp)) {
      add_text(texts, kXmpKeyword, segment.subspan(kXmp.size()));
    }
    at += 2 + length;
  }
}

void add_exif(PngMetadata* texts, ByteSpan bytes) {
  ExifTexts exif = exif_texts(bytes);
  if (!exif.user_comment.empty() && texts->find(kParametersKeyword) == nullptr) {
    texts->add(kParametersKeyword, std::move(exif.user_comment));
  }
  if (exif.image_description.starts_with('{') && texts->find(kRecordKeyword) == nullptr) {
    texts->add(kRecordKeyword, std::move(exif.image_description));
  }
  for (auto& [name, text] : exif.others) texts->add("exif:" + name, std::move(text));
}

}  // namespace

PngMetadata picture_texts(std::span<const uint8_t> bytes, const std::string& name) {
  PngMetadata texts;
  if (has_text(bytes, "\xFF\xD8\xFF")) {
    add_segments(&texts, bytes);
  } else if (is_webp(bytes)) {
    const auto packet = WebpFile(bytes).chunk("XMP ");
    if (!packet.empty()) add_text(&texts, kXmpKeyword, packet);
  } else if (has_text(bytes, kPngSignature)) {
    texts = decode_png_metadata(bytes, name);
  } else {
    throw Error(ErrorKind::kFile,
                name +
                    ": expected a PNG, JPEG or WebP picture, whose texts are read, found another "
                    "file");
  }
  add_exif(&texts, bytes);
  return texts;
}

std::string texts_as_exif(const PngMetadata& metadata) {
  const std::string* parameters = metadata.find(kParametersKeyword);
  const std::string* record = metadata.find(kRecordKeyword);
  const std::string comment = parameters == nullptr ? "" : *parameters;
  const std::string description = record == nullptr ? "" : as_ascii(*record);
  if (comment.empty() && description.empty()) return "";
  std::string exif = make_exif(comment, description);
  if (exif.size() <= kMostExif) return exif;
  notice("the parameters are longer than EXIF data may be, and the picture has no record");
  exif = make_exif(comment, "");
  return exif.size() <= kMostExif ? exif : "";
}

}  // namespace sd::image
