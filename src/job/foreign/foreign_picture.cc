#include "job/foreign/foreign_picture.h"

#include <filesystem>

#include "base/strings.h"
#include "base/text_file.h"
#include "image/file_bytes.h"
#include "image/picture_texts.h"
#include "job/foreign/foreign_record.h"
#include "job/picture_record.h"
#include "sd/error.h"

namespace sd::job {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostSidecarBytes = size_t{8} << 20;

/// Adds the file's text as "file:json" or "file:txt"; false if it cannot be read.
bool add_file(image::PngMetadata* texts, const fs::path& path) {
  std::string problem;
  auto text = read_text_file(path, kMostSidecarBytes, &problem);
  if (!text || !is_valid_utf8(*text)) return false;
  if (text->starts_with(kByteOrderMark)) text->erase(0, kByteOrderMark.size());
  texts->add("file:" + path.extension().string().substr(1), std::move(*text));
  return true;
}

bool is_sidecar(const fs::path& path) {
  return path.extension() == ".json" || path.extension() == ".txt";
}

}  // namespace

image::PngMetadata read_record_texts(const std::string& file) {
  image::PngMetadata texts;
  if (is_sidecar(file)) {
    if (add_file(&texts, file)) return texts;
    throw Error(ErrorKind::kFile, printable(file) + " cannot be read as UTF-8 text");
  }
  texts = image::picture_texts(image::read_file_bytes(file), file);
  if (texts.find(image::kRecordKeyword) != nullptr || has_foreign_record(texts)) return texts;
  for (const char* extension : {".json", ".txt"}) {
    const fs::path beside = fs::path(file).replace_extension(extension);
    std::error_code ignored;
    if (!fs::is_regular_file(beside, ignored)) continue;
    image::PngMetadata with = texts;
    if (add_file(&with, beside) && has_foreign_record(with)) return with;
  }
  return texts;
}

}  // namespace sd::job
