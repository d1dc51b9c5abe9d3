#pragma once

#include "job/settings_rows/jobs.h"
#include "job/settings_rows/line.h"
#include "job/settings_rows/run.h"

// The one table of settings. Flags and their help, lines of prompt files, records of pictures (JSON
// and the web UI's text), README's table of flags and the names in messages are all made from it:
// to add a setting, add a member to sd/settings.h and a row in settings_rows/. job/settings.h has
// the uses.

namespace sd::job {

/// All of them.
template <class S, class V>
void visit_settings(S& s, V&& v) {
  visit_line_settings(s, v);
  visit_run_settings(s, v);
  visit_output_settings(s, v);
  visit_job_settings(s, v);
}

}  // namespace sd::job
