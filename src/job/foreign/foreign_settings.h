#pragma once

#include "job/foreign/foreign_record.h"
#include "sd/settings.h"

namespace sd::job {

/// What is said where the picture that img2img starts from is not in the record.
inline constexpr const char* kNoStartPicture = "the start picture is not in the file";

/// The settings that come nearest to how the picture was drawn. `cannot` gets what keeps them from
/// drawing it, the record's own list first. The model is named by its file name alone.
Settings settings_of(const ForeignRecord& record, std::vector<std::string>* cannot);

}  // namespace sd::job
