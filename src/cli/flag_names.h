#pragma once

#include <string>
#include <string_view>

namespace sd::cli {

/// A message as the command line shows it: "`steps` must be …" → "--ddim_steps must be …". The
/// parts below `cli` name settings in backquotes, by their keys in the table of settings; what is
/// none of its keys is a flag of its own name.
std::string with_flags(std::string_view message);

}  // namespace sd::cli
