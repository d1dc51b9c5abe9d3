#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "job/foreign/foreign_record.h"

// Values as other programs write them: numbers may be strings, absent ones null.

namespace sd::job {

/// JSON as Python writes it: NaN and Infinity become null. Discarded where it is none, nests deeper
/// than 64 levels or has more than 100,000 values.
nlohmann::json parse_python_json(std::string_view text);

/// That, which must be an object. Throws Error(kFile) "not a record".
nlohmann::json parse_object(std::string_view text);

/// Whether the text is a JSON object, or begins as one.
bool looks_like_object(std::string_view text);

/// The member of an object; null if it is none or has none.
const nlohmann::json& member(const nlohmann::json& object, std::string_view key);

/// Numbers, also out of a text like "20" or "7.5"; nothing for others.
std::optional<double> number_in(const nlohmann::json& value);
std::optional<int64_t> whole_in(const nlohmann::json& value);
std::optional<uint64_t> seed_in(const nlohmann::json& value);
std::optional<std::string> text_in(const nlohmann::json& value);  ///< "" is a text

/// Another program's name of something, and the web UI's; null: it has none.
struct NamePair {
  const char* theirs;
  const char* ours;
};

/// The web UI's name; where there is none, nothing, and `cannot` says so: "its WHAT NAME".
std::optional<std::string> translate(std::span<const NamePair> names, const std::string& name,
                                     const char* what, std::vector<std::string>* cannot);

/// The numbers of "512x768" or "(512, 768)".
void set_size(std::string_view text, ForeignRecord* record);

/// Takes the web UI's `<lora:NAME:WEIGHT>` out of the prompt.
void take_loras(ForeignRecord* record);

}  // namespace sd::job
