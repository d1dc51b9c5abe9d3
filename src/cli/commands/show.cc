#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "image/file_bytes.h"
#include "image/picture_texts.h"
#include "job/picture_record.h"
#include "sd/error.h"

namespace sd {
namespace {

struct ShowOptions {
  std::vector<std::string> files;
  bool json = false;
};

/// Our own text as the JSON that it is. What is none stays a text, and so does what nests as ours
/// never does: JSON is written with a call a level.
nlohmann::json parsed_record(const std::string& text) {
  auto parsed = parse_json(text, kRecordLimits);
  return parsed.is_discarded() ? nlohmann::json(text) : parsed;
}

PngMetadata read_texts(const std::string& file) {
  return picture_texts(read_file_bytes(file), file);
}

/// All texts of the file as one object; of those with one keyword the first.
nlohmann::json as_json(const std::string& file, const PngMetadata& metadata) {
  nlohmann::json texts = nlohmann::json::object();
  for (const auto& [keyword, text] : metadata.texts) {
    texts.emplace(keyword, keyword == kRecordKeyword ? parsed_record(text) : nlohmann::json(text));
  }
  return {{"file", printable(file, std::string::npos)}, {"texts", texts}};
}

void print_lines(const std::string& text) {
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    print("  " + text.substr(start, end - start) + "\n");
    start = end + 1;
  }
}

/// Says so if the file has a record that a replay could not read, and returns false. (That of a
/// grid is never replayed.)
bool check_record(const std::string& file, const PngMetadata& metadata) {
  const std::string* text = metadata.find(kRecordKeyword);
  if (text == nullptr) return true;
  const nlohmann::json record = parsed_record(*text);
  if (record.is_object() && record.contains("grid_of")) return true;
  try {
    parse_record(*text, file);
    return true;
  } catch (const Error& error) {
    complain(std::string("error: ") + error.what());
    return false;
  }
}

void show_text(const std::string& file, const PngMetadata& metadata) {
  print(printable(file, std::string::npos) + "\n");
  if (metadata.texts.empty()) print("  no parameters: the picture holds no text\n");
  for (const auto& [keyword, text] : metadata.texts) {
    if (keyword == kRecordKeyword) continue;  // the same in JSON
    if (keyword != kParametersKeyword) print("  " + printable(keyword) + ":\n");
    print_lines(text);
  }
}

int run_show(const ShowOptions& options) {
  bool readable = true;
  for (const std::string& file : options.files) {
    const PngMetadata metadata = read_texts(file);
    if (options.json) {
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
  command->add_option("FILE", options->files, "PNG, JPEG or WebP files")->required();
  command->add_flag("--json", options->json, "everything, as JSON, one object a file");
  command->callback([options, run] { *run = [options] { return run_show(*options); }; });
}

}  // namespace sd
