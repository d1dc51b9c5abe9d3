#pragma once

#include <cstdint>
#include <string>

#include "job/job_survey.h"

namespace sd::job {

/// Pictures of a gallery.
struct GalleryCount {
  int64_t shown = 0;
  int64_t left_out = 0;
};

/// Writes one HTML page that shows the pictures of a job, by relative paths, with their prompts,
/// seeds and commands. It needs no network and works from a file. Pictures that cannot be read are
/// said and left out. Throws Error(kFile), kUsage for a job in tars.
GalleryCount write_gallery(const JobSurvey& job, const std::filesystem::path& page);

/// The command that draws such a picture: of one with a stream of its own the flags, of others a
/// replay. `file`: what the command calls its file.
std::string command_of(const PictureRecord& record, const std::string& file);

/// JSON as it may stand in a script element: no "<" and no line separator.
std::string json_for_html(const nlohmann::json& value);

/// The page before and behind the JSON of its pictures.
extern const char* const kGalleryStart;
extern const char* const kGalleryEnd;

}  // namespace sd::job
