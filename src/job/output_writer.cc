#include "job/output_writer.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "image/grid.h"
#include "image/watermark.h"
#include "runtime/profile.h"
#include "sd/error.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

/// The folder itself, or the nearest one above it that is there, must let us write.
void check_writable(const fs::path& outdir) {
  if (outdir.empty()) {
    throw Error(ErrorKind::kUsage, "--outdir names no folder", "give a path, or leave it out");
  }
  std::error_code ignored;
  fs::path nearest = fs::absolute(outdir).lexically_normal();
  while (!fs::exists(nearest, ignored) && nearest.has_relative_path()) {
    nearest = nearest.parent_path();
  }
  if (!fs::is_directory(nearest, ignored)) {
    throw Error(ErrorKind::kFile,
                "--outdir must be a folder, and " + printable(nearest.string()) + " is a file",
                "give --outdir another place");
  }
  if (access(nearest.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorKind::kFile,
                "the folder " + printable(nearest.string()) + " cannot be written to",
                "give --outdir a place where you may write");
  }
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return;
  throw Error(ErrorKind::kFile,
              "the folder " + printable(folder.string()) + " cannot be made: " + error.message(),
              "give --outdir a place where you may write");
}

}  // namespace

OutputWriter::OutputWriter(Settings settings) : settings_(std::move(settings)) {
  if (settings_.save_grid) check_writable(settings_.outdir);
  if (settings_.save_samples) check_writable(settings_.outdir / "samples");
}

/// The watermark is part of the reference; on small pictures it cannot be had.
Image OutputWriter::marked(Image image) {
  if (settings_.watermark.empty()) return image;
  const Zone zone("watermark");
  if (!embed_watermark(image, settings_.watermark) && !said_too_small_) {
    notice("watermark: left out, pictures below 256x256 pixels cannot carry it");
    said_too_small_ = true;
  }
  return image;
}

fs::path OutputWriter::save(const Image& image, const PngMetadata& metadata, const fs::path& folder,
                            const std::string& prefix, int digits, int64_t* next) const {
  const Zone zone("PNG");
  make_folders(folder);
  if (*next < 0) *next = next_number(folder, prefix);
  while (true) {
    const fs::path path =
        folder / format("%s%0*lld.png", prefix.c_str(), digits, static_cast<long long>((*next)++));
    if (write_png(path, image, metadata) == WriteOutcome::kWritten) return path;
  }
}

void OutputWriter::add(Image image, const PngMetadata& metadata) {
  ++added_;
  if (settings_.save_grid) for_grid_.push_back(image);
  if (!settings_.save_samples) return;
  const fs::path path =
      save(marked(std::move(image)), metadata, settings_.outdir / "samples", "", 5, &next_sample_);
  print_path(path);
}

void OutputWriter::finish(const PngMetadata& metadata) {
  if (!settings_.save_grid || for_grid_.empty()) return;
  const Image grid = marked(make_grid(for_grid_, settings_.images_per_row));
  const fs::path path = save(grid, metadata, settings_.outdir, "grid-", 4, &next_grid_);
  print_path(path);
}

int64_t next_number(const fs::path& folder, const std::string& prefix) {
  constexpr std::string_view kSuffix = ".png";
  int64_t next = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.size() <= prefix.size() + kSuffix.size() || name.rfind(prefix, 0) != 0 ||
        name.substr(name.size() - kSuffix.size()) != kSuffix) {
      continue;
    }
    const char* last = name.data() + name.size() - kSuffix.size();
    int64_t number = -1;
    const auto parsed = std::from_chars(name.data() + prefix.size(), last, number);
    if (parsed.ec != std::errc() || parsed.ptr != last || number < 0) continue;
    if (number < INT64_MAX) next = std::max(next, number + 1);
  }
  return next;
}

}  // namespace sd
