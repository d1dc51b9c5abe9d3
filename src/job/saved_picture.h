#pragma once

#include <optional>
#include <string>

#include "job/picture_record.h"
#include "sd/image.h"
#include "sd/settings.h"

namespace sd::job {

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

/// The bytes of the picture's file, shrunk and in the format that the settings ask for, with the
/// watermark, empty for none, and these texts.
std::string encode_saved(Image image, const std::string& watermark,
                         const image::PngMetadata& metadata, const OutputSettings& output);

/// As above, of a picture of the run, with its record, if there is one.
std::string encode_saved(Image image, const std::optional<PictureRecord>& record,
                         const Settings& settings);

}  // namespace sd::job
