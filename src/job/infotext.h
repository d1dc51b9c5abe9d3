#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sd::job {

/// The text that AUTOMATIC1111's web UI writes under "parameters", and many programs after it: the
/// prompt, the negative prompt, and a line of fields, "Steps: 20, Sampler: Euler a".
struct InfoText {
  std::string prompt;
  std::string negative_prompt;
  std::vector<std::pair<std::string, std::string>> fields;  ///< without the quotes

  /// The last field of that name, or null.
  const std::string* find(std::string_view name) const;
};

/// How a text is taken apart.
struct InfoTextReading {
  bool with_empty_fields = false;  ///< a field without a value is one
  /// JSON that an extension or Civitai appends without quotes ("Hashes", "Civitai resources") is
  /// one value, which the web UI ends at its first comma.
  bool whole_json = false;
};
/// How settings are read from a text.
inline constexpr InfoTextReading kForSettings = {.with_empty_fields = false, .whole_json = true};

/// Takes any text apart, as the web UI does (modules/infotext_utils.py) unless told otherwise: a
/// last line with fewer than three fields belongs to the prompt, and a field without a value is
/// none. Time linear in the length.
InfoText parse_infotext(std::string_view text, const InfoTextReading& reading = {});

/// The text of a prompt, its negative prompt and fields in this order; a field whose value is its
/// name stands alone. `parse_infotext` gives them back, but for white space at line ends.
std::string write_infotext(const InfoText& text);

/// A field's value as the web UI quotes it: JSON, where it holds a comma, colon or line break.
std::string quoted_field(const std::string& value);

/// `quoted_field`, which also quotes a value that a reader would strip or take for quoted.
std::string kept_field(const std::string& value);

/// The numbers of a value like "512x768": digits, one x, digits.
bool is_size(std::string_view value, std::string* width, std::string* height);

/// The text without white space at its ends (Python's str.strip).
std::string_view strip(std::string_view utf8);

}  // namespace sd::job
