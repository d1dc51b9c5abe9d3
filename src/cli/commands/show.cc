#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "image/png_metadata.h"
#include "job/command_line.h"
#include "job/foreign/foreign_picture.h"
#include "job/foreign/foreign_record.h"
#include "job/foreign/foreign_settings.h"
#include "job/picture_record.h"
#include "job/webui_pasting.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

struct ShowOptions {
  std::vector<std::string> files;
  bool json = false;
  bool flags = false;
};

/// Our own text as the JSON that it is. What is none stays a text, and so does what nests as ours
/// never does: JSON is written with a call a level.
nlohmann::json parsed_record(const std::string& text) {
  auto parsed = parse_json(text, job::kRecordLimits);
  return parsed.is_discarded() ? nlohmann::json(text) : parsed;
}

/// Whether the texts are another program's record, be it a broken one.
bool is_foreign(const image::PngMetadata& metadata) {
  return metadata.find(image::kRecordKeyword) == nullptr && !metadata.texts.empty();
}

/// What another program's record says, and what the web UI's own reader makes of its text.
nlohmann::json foreign_json(const job::ForeignRecord& record) {
  std::vector<std::string> cannot = record.cannot;
  if (record.error.empty()) job::settings_of(record, &cannot);
  nlohmann::json value = {
      {"program", record.program}, {"settings", job::to_json(record)}, {"cannot", cannot}};
  if (!record.pasted) return value;
  const nlohmann::ordered_json fields = job::pasted_fields(*record.pasted);
  const job::WebUiSampler names = job::webui_sampler(
      fields.value("Sampler", ""), fields.value("Schedule type", ""), /*pastes=*/true);
  value["infotext"] = {{"fields", fields},
                       {"overrides", job::pasted_overrides(fields)},
                       {"sampler_and_scheduler", {names.sampler, names.schedule}}};
  return value;
}

/// All texts of the file as one object; of those with one keyword the first.
nlohmann::json as_json(const std::string& file, const image::PngMetadata& metadata) {
  nlohmann::json texts = nlohmann::json::object();
  for (const auto& [keyword, text] : metadata.texts) {
    texts.emplace(keyword,
                  keyword == image::kRecordKeyword ? parsed_record(text) : nlohmann::json(text));
  }
  nlohmann::json value = {{"file", printable(file, std::string::npos)}, {"texts", texts}};
  if (is_foreign(metadata)) value.update(foreign_json(job::read_foreign_record(metadata)));
  return value;
}

void print_lines(const std::string& text) {
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    print("  " + text.substr(start, end - start) + "\n");
    start = end + 1;
  }
}

bool check_foreign(const std::string& file, const image::PngMetadata& metadata) {
  if (!job::has_foreign_record(metadata)) return true;
  const job::ForeignRecord record = job::read_foreign_record(metadata);
  if (record.error.empty()) return true;
  complain("error: " + printable(file) + ": " + record.error +
           (record.cannot.empty() ? "" : ": " + record.cannot.front()));
  return false;
}

/// Says so if the file has a record that a replay could not read, and returns false. (That of a
/// grid is never replayed.)
bool check_record(const std::string& file, const image::PngMetadata& metadata) {
  const std::string* text = metadata.find(image::kRecordKeyword);
  if (text == nullptr) return check_foreign(file, metadata);
  const nlohmann::json record = parsed_record(*text);
  if (record.is_object() && record.contains("grid_of")) return true;
  try {
    job::parse_record(*text, file);
    return true;
  } catch (const Error& error) {
    complain(std::string("error: ") + error.what());
    return false;
  }
}

/// A record that is no text for people, in the web UI's form.
std::string summary(const job::ForeignRecord& record) {
  job::InfoText text = {.prompt = record.prompt.value_or(""),
                        .negative_prompt = record.negative.value_or(""),
                        .fields = {}};
  const nlohmann::json values = job::to_json(record);
  for (const auto& [key, value] : values.items()) {
    if (key == "prompt" || key == "negative" || value.is_null() || value.empty()) continue;
    text.fields.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return job::write_infotext(text);
}

/// Says what another program's record holds, in place of JSON.
void show_foreign(const job::ForeignRecord& record) {
  if (!record.program.empty()) print("  drawn by " + record.program + "\n");
  print_lines(summary(record));
}

void show_text(const std::string& file, const image::PngMetadata& metadata) {
  print(printable(file, std::string::npos) + "\n");
  if (metadata.texts.empty()) print("  no parameters: the picture holds no text\n");
  if (is_foreign(metadata) && job::has_foreign_record(metadata)) {
    const job::ForeignRecord record = job::read_foreign_record(metadata);
    if (record.error.empty() && !record.infotext) return show_foreign(record);
  }
  for (const auto& [keyword, text] : metadata.texts) {
    if (keyword == image::kRecordKeyword) continue;  // the same in JSON
    if (keyword != image::kParametersKeyword) print("  " + printable(keyword) + ":\n");
    print_lines(text);
  }
}

/// Prints the command line that draws the picture, or one like it. False, and says so, where there
/// is no record.
bool show_flags(const std::string& file, const image::PngMetadata& metadata) {
  if (const std::string* text = metadata.find(image::kRecordKeyword)) {
    print(job::command_line(job::parse_record(*text, file).settings) + "\n");
    return true;
  }
  if (!job::has_foreign_record(metadata)) {
    complain("error: " + printable(file) + " does not say how it was drawn");
    complain("hint: without --flags all texts of the file are shown");
    return false;
  }
  const job::ForeignRecord record = job::read_foreign_record(metadata);
  if (!record.error.empty()) return true;  // said by check_record
  std::vector<std::string> cannot;
  print(job::command_line(job::settings_of(record, &cannot)) + "\n");
  for (const std::string& reason : cannot) notice("not the same picture: " + reason);
  return true;
}

int run_show(const ShowOptions& options) {
  bool readable = true;
  for (const std::string& file : options.files) {
    const image::PngMetadata metadata = job::read_record_texts(file);
    if (options.flags) {
      readable = show_flags(file, metadata) && readable;
    } else if (options.json) {
      print_json(as_json(file, metadata).dump(2));
    } else {
      show_text(file, metadata);
    }
    readable = check_record(file, metadata) && readable;
  }
  return readable ? 0 : static_cast<int>(ErrorKind::kFile);
}

}  // namespace

void add_show_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand("show", "say how a picture was drawn");
  auto options = std::make_shared<ShowOptions>();
  command
      ->add_option("FILE", options->files,
                   "PNG, JPEG or WebP files, or .json and .txt files beside them")
      ->required();
  command->add_flag("--json", options->json, "everything, as JSON, one object per file");
  command->add_flag("--flags", options->flags, "the command line that draws such a picture");
  command->callback([options, run] { *run = [options] { return run_show(*options); }; });
}

}  // namespace sd::cli
