#include "job/gallery.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/new_file.h"
#include "base/words.h"
#include "image/file_bytes.h"
#include "job/command_line.h"
#include "job/saved_picture.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// The flags that set what the record says, where that is not the default.
std::string flags_of(const PictureRecord& record) {
  const Settings& settings = record.settings;
  const std::vector<std::string> values = text_values(settings);
  const std::vector<std::string> defaults = text_values(Settings(settings.script));
  std::string flags;
  for (const Setting& setting : all_settings()) {
    const bool on_command_line =
        setting.about.where == Settable::kCommand || setting.about.where == Settable::kBoth;
    if (!on_command_line || setting.flags().empty() || !setting.known_to(settings.script)) continue;
    if (*setting.about.record == '\0' || values[setting.place] == defaults[setting.place]) continue;
    if (record.built_in_model && (setting.key == "ckpt" || setting.key == "config")) continue;
    // What was resolved, and stands for what was asked.
    if (setting.key == "safety" || setting.key == "weights" || setting.key == "seed_mode" ||
        setting.key == "device" || setting.key == "watermark") {
      continue;
    }
    flags += flag_words(setting, values[setting.place]);
  }
  return flags;
}

json entry_of(const std::string& file, const std::optional<PictureRecord>& record) {
  json entry = {{"f", file}};
  if (!record) return entry;
  const Settings& settings = record->settings;
  const BatchSettings& batch = settings.batch;
  entry.update({{"p", settings.picture.prompt},
                {"s", std::to_string(settings.seed)},
                {"a", fmt::format("{}, {} steps, scale {:g}", batch.sampler, batch.steps,
                                  settings.picture.scale)},
                {"c", command_of(*record, file)}});
  if (const auto size = saved_size(*record))
    entry.update({{"w", size->width}, {"h", size->height}});
  if (!settings.picture.negative_prompt.empty()) entry["n"] = settings.picture.negative_prompt;
  return entry;
}

}  // namespace

std::string command_of(const PictureRecord& record, const std::string& file) {
  const Settings& settings = record.settings;
  if (settings.seed_mode != SeedMode::kImage) return "sd replay " + shell_word(file);
  const BatchSettings& batch = settings.batch;
  std::string command = std::string("sd ") + word_of(settings.script) + flags_of(record);
  if (settings.script == Script::kTxt2Img) {
    command += fmt::format(" --W {} --H {}", batch.width, batch.height);
  }
  if (settings.watermark.empty()) command += " --no-watermark";
  if (!settings.watermark.empty() && settings.watermark != Settings().watermark) {
    command += " --watermark " + shell_word(settings.watermark);
  }
  return command + " --seed-mode image --n_samples 1 --n_iter 1";
}

std::string json_for_html(const json& value) {
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);  // ASCII
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

GalleryCount write_gallery(const JobSurvey& job, const fs::path& page) {
  if (job.in_tars()) {
    throw Error(ErrorKind::kUsage,
                "a gallery shows pictures in a folder, and the job's are in tars",
                "unpack the tars, or draw with `sink` folder");
  }
  const fs::path base = fs::absolute(page).parent_path();
  NewFile file(page);
  file.write(kGalleryStart);
  GalleryCount count;
  count.left_out = job.each_sound_picture([&](int64_t, const fs::path& path) {
    const std::string name = fs::absolute(path).lexically_relative(base).generic_string();
    const std::vector<uint8_t> bytes = image::read_file_bytes(path.string());
    const std::string entry = json_for_html(entry_of(name, find_record(path, bytes)));
    file.write(count.shown++ == 0 ? entry : ",\n" + entry);
  });
  file.write(kGalleryEnd);
  file.finish_over();
  return count;
}

}  // namespace sd::job
