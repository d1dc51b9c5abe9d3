#pragma once

#include <string>

namespace sd::cli {

/// The flags of txt2img and img2img as README's table of them, in Markdown.
std::string flag_table();

}  // namespace sd::cli
