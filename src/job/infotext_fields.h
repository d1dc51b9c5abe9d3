#pragma once

#include <string>
#include <vector>

#include "job/infotext.h"
#include "sd/settings.h"

namespace sd::job {

/// Settings that draw a web UI's text, and what of it they leave out.
struct WebUiSettings {
  Settings settings;
  std::vector<std::string> unsupported;  ///< "Tiling: True", by fields
};

/// The settings of a text that AUTOMATIC1111's web UI wrote, of any version: its samplers, prompts
/// and streams of random numbers, with what an old version implies. The fields that are no
/// setting's, or have a value that is none, are named. A picture that it starts from is not in the
/// text.
WebUiSettings settings_of_infotext(const InfoText& text);

}  // namespace sd::job
