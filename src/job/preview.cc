#include "job/preview.h"

#include "base/log.h"
#include "base/new_file.h"
#include "image/image_io.h"
#include "job/settings.h"

namespace sd::job {

PreviewWriter::PreviewWriter(const Settings& settings, SafetyMode safety, Reporter* reporter)
    : path_(std::filesystem::path(settings.outdir.value_or(default_outdir(settings))) /
            "preview.png"),
      every_(settings.preview),
      reporter_(reporter) {
  const bool withholds = safety != SafetyMode::kOff && safety != SafetyMode::kReport;
  if (every_ == 0 || !withholds) return;
  notice("`preview`: none is written, since the safety checker may withhold pictures");
  every_ = 0;
}

void PreviewWriter::show(const ProgressEvent& event) {
  if (every_ == 0 || !event.preview || event.step % every_ != 0) return;
  std::error_code ignored;
  std::filesystem::create_directories(path_.parent_path(), ignored);
  write_over(path_, image::encode_png(event.preview()));
  reporter_->previewed(path_, event.step);
}

}  // namespace sd::job
