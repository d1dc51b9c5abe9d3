#pragma once

#include <optional>
#include <string>

#include "job/picture_record.h"
#include "sd/image.h"
#include "sd/settings.h"

namespace sd {

/// The size that a picture of that size is saved in; `longest` 0: its own.
FitSize saved_size(int width, int height, int64_t longest);

/// The size that the record's picture was saved in; nothing where it was pasted into another, whose
/// size no record holds.
std::optional<FitSize> saved_size(const PictureRecord& record);

/// The picture as it is saved: shrunk to `longest` pixels (Pillow's Lanczos) and with the
/// watermark, empty for none, where its size can carry one.
Image saved_picture(Image image, const std::string& watermark, int64_t longest);

/// The text of the watermark, empty where none is wanted.
std::string watermark_of(const Settings& settings);

/// The bytes of the file, in the format that the settings ask for, with the record, if there is
/// one.
std::string encode_saved(const Image& image, const std::optional<PictureRecord>& record,
                         const OutputSettings& output);

}  // namespace sd
