#pragma once

#include "job/settings_rows/about.h"

namespace sd::job {

/// Prompts as templates.
template <class S, class V>
void visit_template_settings(S& s, V&& v) {
  v("expand", s.expand,
    About{.flags = "expand",
          .help = "treat prompts as templates, with choices in braces and lines of files",
          .more = "see \"Prompts from templates\""});
  v("wildcards", s.wildcards,
    About{.flags = "wildcards", .help = "folder of the files that templates name", .kind = "DIR"});
}

}  // namespace sd::job
