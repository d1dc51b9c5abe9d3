#pragma once

#include <string>

#include "sd/request.h"

namespace sd::pipeline {

/// What of a request most probably made a picture's values no numbers: "the weight 1e+30 of \"cat\"
/// in a prompt", "the strength 1e+09 of the adapter style"; "" where no number of it is huge.
std::string probable_cause(const Request& request, int64_t row);

}  // namespace sd::pipeline
