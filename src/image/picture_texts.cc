#include "image/picture_texts.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "image/exif.h"
#include "image/exif_writer.h"

namespace sd {
namespace {

constexpr size_t kMostExif = 65533 - kExifSegment.size();  // of a JPEG's segment

bool has_exif_only(std::span<const uint8_t> bytes) {
  constexpr size_t kStart = 12;
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()),
                               std::min(bytes.size(), kStart));
  return start.starts_with("\xFF\xD8\xFF") ||
         (start.starts_with("RIFF") && start.ends_with("WEBP"));
}

/// JSON without bytes beyond ASCII. What is none has no place in a text of ASCII.
std::string as_ascii(const std::string& record) {
  const nlohmann::json value = parse_json(record, {.depth = 64, .values = 4'000'000});
  return value.is_discarded() ? "" : value.dump(-1, ' ', /*ensure_ascii=*/true);
}

}  // namespace

PngMetadata picture_texts(std::span<const uint8_t> bytes, const std::string& name) {
  if (!has_exif_only(bytes)) return decode_png_metadata(bytes, name);
  PngMetadata metadata;
  std::string comment = exif_user_comment(bytes);
  if (!comment.empty()) metadata.add(kParametersKeyword, std::move(comment));
  std::string description = exif_image_description(bytes);
  if (description.starts_with('{')) metadata.add(kRecordKeyword, std::move(description));
  return metadata;
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

}  // namespace sd
