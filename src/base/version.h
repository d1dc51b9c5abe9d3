#pragma once

namespace sd {

/// The program's version, "0.1.0".
const char* program_version();

}  // namespace sd
