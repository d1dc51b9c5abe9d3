#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "image/image_io.h"
#include "image/labelled_sheet.h"
#include "sd/image.h"
#include "sd/settings.h"

namespace sd::job {

/// Where a run's pictures go: outdir/samples/00000.png … and outdir/grid-0000.png …, or its pages
/// outdir/grid-0000-1.png, outdir/grid-0000-2.png … where one sheet would be too large.
/// Numbers go on from the highest that is there; nothing is ever overwritten.
class OutputWriter {
 public:
  struct Settings {
    std::filesystem::path outdir;
    bool save_samples = true;
    bool save_grid = true;
    int images_per_row = 1;
    image::SheetLabels labels = {};  ///< beside the rows and columns of the grid
    /// What the grid may come to: so many pictures, none of them larger than that.
    int64_t most_pictures = 1;
    int largest_width = 0;
    int largest_height = 0;
    std::string watermark = {};  ///< empty: none
    OutputSettings output = {};  ///< of single pictures; a grid is a PNG
  };

  /// Throws, before anything is drawn, kFile if the folder cannot be made or written to, and
  /// kUsage if not even a row of the grid can be made. Makes nothing yet.
  explicit OutputWriter(Settings settings);

  /// Writes one picture under the next number, if single pictures are wanted: to the path returned.
  std::optional<std::filesystem::path> add(const Image& image,
                                           const image::PngMetadata& metadata = {});

  /// Whether the pictures since the last page fill one: time to `finish` it.
  bool page_is_full() const;

  /// Writes the grid, or a page of it: all pictures since the last, to the path returned. Nothing
  /// if there are none, or no grid is wanted.
  std::optional<std::filesystem::path> finish(const image::PngMetadata& metadata = {});

  /// Whether there will be a grid.
  bool makes_grid() const { return settings_.save_grid; }

 private:
  /// How the files of a folder are named.
  struct Names {
    std::filesystem::path folder;
    std::string prefix;
    int digits;
    std::string ending;
  };

  static std::filesystem::path save(const std::string& bytes, const Names& names, int64_t* next);
  std::filesystem::path save_page(const Image& page, const image::PngMetadata& metadata);
  Settings settings_;
  std::vector<Image> for_grid_;  // of the page that is being filled
  int64_t page_size_ = 1;
  int64_t pages_ = 0;         // that are written
  int64_t next_sample_ = -1;  // -1: not looked up yet
  int64_t next_grid_ = -1;
};

/// One more than the highest N of the pictures prefixN.png (or .jpg, .webp) in the folder, of a
/// grid also prefixN-PAGE.png; 0 where there is none.
int64_t next_number(const std::filesystem::path& folder, const std::string& prefix);

}  // namespace sd::job
