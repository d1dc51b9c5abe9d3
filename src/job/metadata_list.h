#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "job/picture_record.h"

namespace sd::job {

/// A line of metadata.jsonl, which the library "datasets" reads beside pictures: "file_name" and,
/// where there is a record, "text" (the prompt), "negative_prompt", "seed", "width" and "height" of
/// the file, "sampler", "steps" and "scale".
std::string metadata_line(const std::string& file_name, const std::optional<PictureRecord>& record);

/// What stands in a tar beside a picture: the prompt, and the record as JSON (without one, the line
/// of its name).
std::string sample_text(const std::optional<PictureRecord>& record);
std::string sample_json(const std::string& file_name, const std::optional<PictureRecord>& record);

/// Adds the picture's line to the metadata.jsonl in its folder. Throws Error(kFile).
void list_picture(const std::filesystem::path& picture, const std::optional<PictureRecord>& record);

}  // namespace sd::job
