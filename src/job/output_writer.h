#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "image/image_io.h"
#include "sd/image.h"

namespace sd {

/// Where a run's pictures go: outdir/samples/00000.png … and outdir/grid-0000.png …
/// Numbers go on from the highest that is there; nothing is ever overwritten.
class OutputWriter {
 public:
  struct Settings {
    std::filesystem::path outdir;
    bool save_samples = true;
    bool save_grid = true;
    int images_per_row = 1;
    std::string watermark = {};  ///< empty: none
  };

  /// Throws kFile, before anything is drawn, if the folder cannot be made or written to. Makes
  /// nothing yet.
  explicit OutputWriter(Settings settings);

  /// Writes one picture under the next number and prints its path on stdout.
  void add(Image image, const PngMetadata& metadata = {});

  /// Writes the grid of all pictures so far. Nothing if there are none.
  void finish(const PngMetadata& metadata = {});

  /// How many pictures were added.
  int64_t count() const { return added_; }

 private:
  std::filesystem::path save(const Image& image, const PngMetadata& metadata,
                             const std::filesystem::path& folder, const std::string& prefix,
                             int digits, int64_t* next) const;
  Image marked(Image image);

  Settings settings_;
  std::vector<Image> for_grid_;
  int64_t next_sample_ = -1;  // -1: not looked up yet
  int64_t next_grid_ = -1;
  std::atomic<int64_t> added_ = 0;
  bool said_too_small_ = false;
};

/// One more than the highest N of the entries prefixN.png in the folder; 0 where there is none.
int64_t next_number(const std::filesystem::path& folder, const std::string& prefix);

}  // namespace sd
