#include "job/output_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/new_file.h"
#include "base/strings.h"
#include "image/encode.h"
#include "image/grid.h"
#include "job/job_folder.h"
#include "job/saved_picture.h"
#include "job/writable_folder.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlaceToWrite = "give `outdir` a place where you may write";

/// The number that `text` is, or with `pages` begins with where a page's stands behind it: "12",
/// "12-3". -1 if it is none.
int64_t number_of(std::string_view text, bool pages) {
  int64_t number = -1;
  const char* end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || number < 0) return -1;
  int64_t page = 0;
  if (pages && parsed.ptr != end && *parsed.ptr == '-') {
    parsed = std::from_chars(parsed.ptr + 1, end, page);
  }
  return parsed.ec == std::errc() && parsed.ptr == end && page >= 0 ? number : -1;
}

}  // namespace

OutputWriter::OutputWriter(Settings settings) : settings_(std::move(settings)) {
  if (settings_.save_grid) check_writable(settings_.outdir, "outdir");
  if (settings_.save_samples) check_writable(settings_.outdir / "samples", "outdir");
  if (!settings_.save_grid) return;
  page_size_ = image::pictures_on_a_page(settings_.most_pictures, settings_.largest_width,
                                         settings_.largest_height, settings_.images_per_row);
}

fs::path OutputWriter::save(const std::string& bytes, const Names& names, int64_t* next) {
  make_folders(names.folder, kPlaceToWrite);
  if (*next < 0) *next = next_number(names.folder, names.prefix);
  while (true) {
    const std::string number = fmt::format("{:0{}}", (*next)++, names.digits);
    const fs::path path = names.folder / (names.prefix + number + names.ending);
    NewFile file(path);
    file.write(bytes);
    if (file.finish()) return path;
  }
}

std::optional<fs::path> OutputWriter::add(const Image& image, const image::PngMetadata& metadata) {
  if (settings_.save_grid) for_grid_.push_back(image);
  if (!settings_.save_samples) return std::nullopt;
  const std::string bytes = encode_saved(image, settings_.watermark, metadata, settings_.output);
  const runtime::Zone zone("write");
  return save(bytes, {settings_.outdir / "samples", "", 5, ending_of(settings_.output.format)},
              &next_sample_);
}

bool OutputWriter::page_is_full() const {
  return std::ssize(for_grid_) == page_size_ && page_size_ < settings_.most_pictures;
}

std::optional<fs::path> OutputWriter::finish(const image::PngMetadata& metadata) {
  if (!settings_.save_grid || for_grid_.empty()) return std::nullopt;
  const bool paged = pages_ > 0 || page_is_full();
  const Image sheet =
      saved_picture(image::labelled_sheet(for_grid_, settings_.images_per_row, settings_.labels),
                    settings_.watermark, 0);
  const auto rows = static_cast<size_t>(std::ssize(for_grid_) / settings_.images_per_row);
  auto& labels = settings_.labels.rows;  // of the pages that follow
  labels.erase(labels.begin(),
               labels.begin() + static_cast<std::ptrdiff_t>(std::min(rows, labels.size())));
  for_grid_.clear();
  if (paged) return save_page(sheet, metadata);
  const runtime::Zone zone("PNG");
  return save(image::encode_png(sheet, metadata), {settings_.outdir, "grid-", 4, ".png"},
              &next_grid_);
}

/// All pages have one number; the next one where another run has taken it.
fs::path OutputWriter::save_page(const Image& page, const image::PngMetadata& metadata) {
  const runtime::Zone zone("PNG");
  make_folders(settings_.outdir, kPlaceToWrite);
  if (next_grid_ < 0) next_grid_ = next_number(settings_.outdir, "grid-");
  ++pages_;
  while (true) {
    const fs::path path = settings_.outdir / fmt::format("grid-{:04}-{}.png", next_grid_, pages_);
    if (image::write_png(path, page, metadata) == image::WriteOutcome::kWritten) return path;
    ++next_grid_;
  }
}

int64_t next_number(const fs::path& folder, const std::string& prefix) {
  int64_t next = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path name = entry.path().filename();
    const std::string stem = name.stem().string(), ending = name.extension().string();
    if (stem.size() <= prefix.size() || !stem.starts_with(prefix)) continue;
    const bool sample = prefix.empty();  // grids are PNG files
    if (ending != ".png" && !(sample && (ending == ".jpg" || ending == ".webp"))) continue;
    const int64_t number = number_of(std::string_view(stem).substr(prefix.size()),
                                     /*pages=*/!sample);
    if (number < INT64_MAX) next = std::max(next, number + 1);
  }
  return next;
}

}  // namespace sd::job
