#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "sd/progress.h"

namespace sd::job {

/// How far a run is.
struct RunProgress {
  ProgressEvent event;                 ///< of the first batch that is not done
  int64_t batch = 1;                   ///< which that is, from 1
  int64_t batches = 1;                 ///< of the run
  int64_t drawn = 0;                   ///< pictures
  int64_t pictures = 1;                ///< of the run
  std::optional<double> seconds_left;  ///< of the run, once there is something to go by
};

/// How a run ended.
struct RunSummary {
  int64_t drawn = 0;
  int64_t left = 0;    ///< pictures that were not drawn, since the run was stopped
  int64_t failed = 0;  ///< lines left out, and pictures that could not be checked
  std::string why;     ///< why it ended early, or empty
};

/// What a run is told to tell. Every function may be called from any thread.
class Reporter {
 public:
  virtual ~Reporter() = default;

  /// A line for the user.
  virtual void notice(const std::string& line) = 0;
  /// An error in one line, of a line of the prompt file or of a picture; the run goes on.
  virtual void complaint(const std::string& line) = 0;
  /// Often; it must be quick.
  virtual void progress(const RunProgress& progress) = 0;
  /// A file is complete; `place`: of its picture among the run's, from 0; nothing for a grid.
  virtual void wrote(const std::filesystem::path& path, std::optional<int64_t> place) = 0;
  /// A file shows what is drawn so far, after that step.
  virtual void previewed(const std::filesystem::path& /*path*/, int /*step*/) {}
  /// The last call.
  virtual void end(const RunSummary& summary) = 0;
};

}  // namespace sd::job
