#pragma once

#include <filesystem>

namespace sd::job {

/// Throws where no file could be written into the folder, or into the one that would have to be
/// made: Error(kFile), kUsage for an empty name. `setting` is what named it: "outdir". Makes
/// nothing.
void check_writable(const std::filesystem::path& folder, const char* setting);

}  // namespace sd::job
