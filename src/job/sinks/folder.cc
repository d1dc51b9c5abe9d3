#include <utility>
#include <vector>

#include "job/metadata_list.h"
#include "job/output_writer.h"
#include "job/saved_picture.h"
#include "job/settings.h"
#include "job/sinks/sinks.h"

namespace sd::job {
namespace {

OutputWriter::Settings writer_settings(const Settings& settings, const SinkLoad& load) {
  const int64_t usual = settings.n_rows > 0 ? settings.n_rows : settings.n_samples;
  return {.outdir = settings.outdir.value_or(default_outdir(settings)),
          .save_samples = !settings.skip_save,
          .save_grid = !settings.skip_grid,
          .images_per_row = static_cast<int>(load.columns > 0 ? load.columns : usual),
          .labels = load.labels,
          .most_pictures = load.pictures,
          .largest_width = load.largest_width,
          .largest_height = load.largest_height,
          .watermark = watermark_of(settings),
          .output = settings.output};
}

class FolderSink final : public PictureSink {
 public:
  explicit FolderSink(const SinkInputs& inputs)
      : writer_(writer_settings(inputs.settings, inputs.load)),
        reporter_(inputs.reporter),
        lists_(inputs.settings.output.metadata_jsonl) {}

  void add(FinishedPicture picture) override {
    const auto path = writer_.add(
        picture.image, picture.record ? metadata_of(*picture.record) : image::PngMetadata());
    if (path && lists_) list_picture(*path, picture.record);
    if (path) reporter_->wrote(*path, picture.place);
    if (picture.record && writer_.makes_grid()) records_.push_back(std::move(*picture.record));
    if (writer_.page_is_full()) finish();
  }

  void finish() override {
    const auto path =
        writer_.finish(records_.empty() ? image::PngMetadata() : grid_metadata(records_));
    records_.clear();
    if (path) reporter_->wrote(*path, std::nullopt);
  }

 private:
  OutputWriter writer_;
  Reporter* reporter_;
  bool lists_;
  std::vector<PictureRecord> records_;  // of the grid, or of the page that is being filled
};

}  // namespace

std::unique_ptr<PictureSink> open_folder_sink(const SinkInputs& inputs) {
  return std::make_unique<FolderSink>(inputs);
}

}  // namespace sd::job
