#pragma once

#include <span>
#include <string>

#include "job/settings.h"

namespace sd::job {

/// A field of the web UI's text that is worded otherwise than its setting, or hangs on others.
/// (Those of the other settings are in their rows: About::a1111.)
struct A1111Field {
  const char* name;
  std::string (*write)(const Settings& settings);  ///< empty: the field is left out
  void (*read)(const std::string& text, Settings* settings);
};

std::span<const A1111Field> a1111_fields();

/// Whether a setting that is not at its default acts on the picture, so that the web UI writes it.
bool a1111_tells(const Setting& setting, const Settings& settings);

}  // namespace sd::job
