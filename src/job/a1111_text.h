#pragma once

#include <string>
#include <vector>

#include "job/infotext.h"
#include "job/picture_record.h"

namespace sd::job {

/// The lines that AUTOMATIC1111's web UI writes under "parameters", and many tools read: the
/// prompt, the negative prompt, and a line of fields.
std::string a1111_text(const PictureRecord& record);

/// Sets what the text says, read as a text that this program wrote. Returns the names of the fields
/// that are no setting's. Throws Error(kUsage), naming the setting, for a value that it cannot
/// have.
std::vector<std::string> apply_a1111_text(const InfoText& text, Settings* settings);

}  // namespace sd::job
