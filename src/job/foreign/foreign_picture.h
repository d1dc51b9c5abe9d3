#pragma once

#include <string>

#include "image/png_metadata.h"

namespace sd::job {

/// The texts of a picture (see picture_texts) and, where those are no record, of a file of the
/// same name beside it, NAME.json as "file:json" or NAME.txt as "file:txt"; `file` may be such a
/// file itself. Throws Error(kFile) where the file is none of these or cannot be read.
image::PngMetadata read_record_texts(const std::string& file);

}  // namespace sd::job
