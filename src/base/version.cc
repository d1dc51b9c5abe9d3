#include "base/version.h"

namespace sd {

const char* program_version() { return SD_VERSION; }

}  // namespace sd
