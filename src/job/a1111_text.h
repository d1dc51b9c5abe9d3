#pragma once

#include <string>
#include <utility>
#include <vector>

#include "job/picture_record.h"

namespace sd {

/// The lines that AUTOMATIC1111's web UI writes under "parameters", and many tools read: the
/// prompt, the negative prompt, and a line of fields.
std::string a1111_text(const PictureRecord& record);

/// Such a text, taken apart.
struct A1111Text {
  std::string prompt;
  std::string negative_prompt;
  std::vector<std::pair<std::string, std::string>> fields;  ///< without the quotes
};

/// Takes the text apart as the web UI does; a last line with fewer than three fields belongs to the
/// prompt.
A1111Text parse_a1111_text(const std::string& text);

/// Sets what the text says, read as a text that this program wrote. Returns the names of the fields
/// that are no setting's. Throws Error(kUsage), naming the setting, for a value that it cannot
/// have.
std::vector<std::string> apply_a1111_text(const A1111Text& text, Settings* settings);

}  // namespace sd
