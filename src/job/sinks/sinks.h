#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "job/picture_record.h"
#include "job/reporter.h"
#include "sd/image.h"
#include "sd/settings.h"

namespace sd {

/// A picture on its way out.
struct FinishedPicture {
  int64_t place = 0;  ///< among all pictures of the run, from 0
  Image image;
  std::optional<PictureRecord> record;  ///< nothing where none is wanted
};

/// Where pictures go. Not thread-safe.
class PictureSink {
 public:
  virtual ~PictureSink() = default;

  /// Takes a picture; places rise, and some may be left out. Throws kFile.
  virtual void add(FinishedPicture picture) = 0;
  /// After the last picture.
  virtual void finish() = 0;
};

/// What a sink may come to get.
struct SinkLoad {
  int64_t pictures = 1;
  int largest_width = 0;
  int largest_height = 0;
};

/// A kind of sink. To add one: a file in this folder, and a row in sinks.cc.
struct SinkKind {
  const char* name;
  /// Throws, before anything is drawn, where it cannot be written to. The reporter must outlive it.
  std::unique_ptr<PictureSink> (*open)(const Settings& settings, const SinkLoad& load,
                                       Reporter* reporter);
};

std::span<const SinkKind> sink_kinds();
const SinkKind& find_sink(std::string_view name);

/// outdir/samples/00000.png …, and the grid.
std::unique_ptr<PictureSink> open_folder_sink(const Settings& settings, const SinkLoad& load,
                                              Reporter* reporter);

}  // namespace sd
