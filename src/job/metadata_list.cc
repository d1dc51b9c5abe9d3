#include "job/metadata_list.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/descriptor.h"
#include "base/strings.h"
#include "job/saved_picture.h"
#include "sd/error.h"

namespace sd::job {

std::string metadata_line(const std::string& file_name,
                          const std::optional<PictureRecord>& record) {
  nlohmann::json line = {{"file_name", file_name}};
  if (record) {
    const Settings& settings = record->settings;
    const BatchSettings& batch = settings.batch;
    line.update({{"text", settings.picture.prompt},
                 {"negative_prompt", settings.picture.negative_prompt},
                 {"seed", settings.seed},
                 {"sampler", batch.sampler},
                 {"steps", batch.steps},
                 {"scale", settings.picture.scale}});
    if (const auto size = saved_size(*record)) {
      line.update({{"width", size->width}, {"height", size->height}});
    }
  }
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string sample_text(const std::optional<PictureRecord>& record) {
  return record ? record->settings.picture.prompt : "";
}

std::string sample_json(const std::string& file_name, const std::optional<PictureRecord>& record) {
  return record ? to_json(*record).dump() + "\n" : metadata_line(file_name, std::nullopt);
}

void list_picture(const std::filesystem::path& picture,
                  const std::optional<PictureRecord>& record) {
  const std::filesystem::path path = picture.parent_path() / "metadata.jsonl";
  const std::string line = metadata_line(picture.filename().string(), record);
  // One call, at the end: two runs in the folder do not mix their lines.
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  const ssize_t written = file.get() < 0 ? -1 : ::write(file.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return;
  throw Error(ErrorKind::kFile,
              printable(path.string()) + ": cannot be written: " +
                  (written < 0 ? std::strerror(errno) : "there is no room"),
              "make room on the disk, or leave `metadata_jsonl` out");
}

}  // namespace sd::job
