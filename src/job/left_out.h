#pragma once

#include <string>

#include "sd/settings.h"

namespace sd::job {

/// What a prompt of the web UI's syntax asks for in vain and why, each `<word:…>` once:
/// "<foo:a>: foo is not a kind of network"; empty where there is nothing. As in the web UI it is no
/// part of the prompt. Throws Error(kUsage) as `parse_prompt`.
std::string left_out_of(const PictureSettings& picture);

}  // namespace sd::job
