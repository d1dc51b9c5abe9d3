#pragma once

#include "job/infotext_fields.h"

namespace sd::job {

/// Makes the sizes those that the web UI draws, takes a second pass away that has no size, and
/// names what no run takes, whichever model draws it. (A very long text is left to what draws it.)
void limit_settings(WebUiSettings* to);

}  // namespace sd::job
