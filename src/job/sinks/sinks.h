#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "image/labelled_sheet.h"
#include "job/job_folder.h"
#include "job/picture_record.h"
#include "job/reporter.h"
#include "sd/image.h"
#include "sd/settings.h"

namespace sd::job {

class KeptTars;

/// A picture on its way out.
struct FinishedPicture {
  int64_t place = 0;  ///< among all pictures of the run, from 0
  Image image;
  std::optional<PictureRecord> record;  ///< nothing where none is wanted
  bool ends_block = false;              ///< it is none: no picture of the block `place` follows
};

/// Where pictures go. Not thread-safe.
class PictureSink {
 public:
  virtual ~PictureSink() = default;

  /// Takes a picture; places rise (but not a job's), and some may be left out. Throws kFile.
  virtual void add(FinishedPicture picture) = 0;
  /// No picture of that block of a job follows. Throws kFile.
  virtual void end_block(int64_t /*block*/) {}
  /// After the last picture.
  virtual void finish() = 0;
};

/// What a sink may come to get.
struct SinkLoad {
  int64_t pictures = 1;
  int largest_width = 0;
  int largest_height = 0;
  /// Pictures in a row of the grid, and what stands beside them; 0: as the settings say, and
  /// nothing.
  int64_t columns = 0;
  image::SheetLabels labels = {};
};

/// What a sink is opened with; all of it must outlive the sink.
struct SinkInputs {
  const Settings& settings;
  SinkLoad load;
  Reporter* reporter;
  const JobFolder* job = nullptr;  ///< null: the run is no job
  int64_t block_pictures = 1;      ///< of a job's block, or of a tar
  KeptTars* kept = nullptr;        ///< of a job that draws failed lines again
};

/// A kind of sink. To add one: a file in this folder, and a row in sinks.cc. Both functions throw,
/// before anything is drawn, where the sink cannot be written to.
struct SinkKind {
  const char* name;
  std::unique_ptr<PictureSink> (*open)(const SinkInputs& inputs);
  std::unique_ptr<PictureSink> (*open_job)(const SinkInputs& inputs);
};

const SinkKind& find_sink(std::string_view name);

/// outdir/samples/00000.png …, and the grid.
std::unique_ptr<PictureSink> open_folder_sink(const SinkInputs& inputs);
/// The pictures of a job, each under the name of its place.
std::unique_ptr<PictureSink> open_job_sink(const SinkInputs& inputs);
/// outdir/00000.tar …: the shards that webdataset reads.
std::unique_ptr<PictureSink> open_tar_sink(const SinkInputs& inputs);
/// Those of a job: one a block.
std::unique_ptr<PictureSink> open_job_tar_sink(const SinkInputs& inputs);

}  // namespace sd::job
