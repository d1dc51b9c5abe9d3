#pragma once

#include "job/reporter.h"
#include "sd/safety.h"
#include "sd/settings.h"

namespace sd::job {

/// Writes what a run's pictures look like so far to preview.png in the output folder, each time in
/// place of the last, and tells the reporter. For one thread at a time.
class PreviewWriter {
 public:
  /// `safety`: with a checker that may withhold pictures nothing is written, which is said.
  PreviewWriter(const Settings& settings, SafetyMode safety, Reporter* reporter);

  /// Writes one if it is time for it. Throws Error(kFile).
  void show(const ProgressEvent& event);

 private:
  std::filesystem::path path_;
  int64_t every_;  // so many steps; 0: never
  Reporter* reporter_;
};

}  // namespace sd::job
