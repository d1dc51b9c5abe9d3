#include "base/version.h"

#include <sd_commit.h>

namespace sd {

const char* program_version() { return SD_VERSION; }

const char* program_commit() { return SD_COMMIT; }

const char* torch_version() { return SD_TORCH_VERSION; }

}  // namespace sd
