#include "job/line_check.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "job/file_hash.h"
#include "job/settings.h"
#include "models/model_source.h"
#include "pipeline/noise_plan.h"
#include "runtime/data_files.h"
#include "sd/error.h"

namespace sd::job {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

std::string shown(const json& value) {
  constexpr size_t kMost = 80;
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace), kMost);
}

/// While it lives, nothing is said: what is unusual of lines was said when they were drawn.
class Quiet {
 public:
  Quiet() : before_(set_log_sink([](LogKind, const std::string&) {})) {}
  ~Quiet() { set_log_sink(std::move(before_)); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  LogSink before_;
};

/// Whether a line decides it, alone or with its place.
bool is_of_line(const Setting& setting) {
  return setting.about.where != Settable::kCommand || setting.key == "prompt" ||
         setting.key == "seed" || setting.key == "seed_mode";
}

std::string differences(const Settings& expected, const Settings& found) {
  const std::vector<json> wanted = json_values(expected), said = json_values(found);
  std::vector<std::string> all;
  for (const Setting& setting : all_settings()) {
    const bool is_recorded = *setting.about.record != '\0' && setting.known_to(expected.script);
    if (!is_recorded || !is_of_line(setting)) continue;
    const json &is = said[setting.place], &should_be = wanted[setting.place];
    if (is != should_be) all.push_back(difference_text(setting.key, should_be, is));
  }
  return join(all, "; ");
}

std::string hash_in(const json& sheet, const char* key) {
  const auto& model = sheet.at("model");
  const auto found = model.find(key);
  return found != model.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string hash_of(const std::string& path) { return FileHash(path).get(); }

ChosenModel given_model(const Settings& settings, const json& sheet) {
  ChosenModel model = choose_model(settings);
  const std::string& config = model.paths.config;
  if (config.empty() || hash_of(config) == hash_in(sheet, "config_sha256")) return model;
  throw Error(ErrorKind::kUsage, "the config " + printable(config) + " is not the job's",
              "name the job's model with `ckpt`, and its config with `config`");
}

/// The model that comes with the program, if it is there and has that hash.
std::optional<ChosenModel> built_in_of_hash(const std::string& hash) {
  try {
    ChosenModel model = built_in_model();
    if (hash_of(models::main_file_of(model.paths)) == hash) return model;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile) throw;
  }
  return std::nullopt;
}

/// The config of that hash among those that come with the program; empty where there is none.
std::string find_config(const std::string& hash) {
  for (const fs::path& folder : runtime::data_folders()) {
    std::error_code failed;
    for (fs::recursive_directory_iterator at(folder / "configs", failed), end; !failed && at != end;
         at.increment(failed)) {
      const bool is_config = at->path().extension() == ".yaml" && at->is_regular_file(failed);
      if (is_config && sha256_of_file(at->path().string()) == hash) return at->path().string();
    }
  }
  return "";
}

}  // namespace

std::string difference_text(const std::string& name, const json& expected, const json& found) {
  return fmt::format("{}: expected {}, found {}", name, shown(expected), shown(found));
}

std::optional<ChosenModel> find_model_of_job(const Settings& settings, const json& sheet) {
  if (!settings.ckpt.empty()) return given_model(settings, sheet);
  if (auto model = built_in_of_hash(hash_in(sheet, "sha256"))) return model;
  ChosenModel model;
  const std::string hash = hash_in(sheet, "config_sha256");
  if (!hash.empty()) model.paths.config = find_config(hash);
  if (model.paths.config.empty()) return std::nullopt;
  model.description = describe_model(model.paths);
  return model;
}

LineCheck::LineCheck(const Settings& settings, const ChosenModel& model, const PromptFile& prompts,
                     ParseFn parse)
    : settings_(settings),
      prompts_(prompts),
      parse_(std::move(parse)),
      blocks_{.lines = prompts.lines(), .per_block = prompts.lines_per_block()},
      planner_(settings, model.description, model.built_in) {}

void LineCheck::plan(int64_t block) {
  const Quiet quiet;
  planned_ = block;
  rows_.clear();
  lines_.clear();
  int64_t place = blocks_.first_place(block);
  for (const PromptFile::Line& line : prompts_.read(block)) add(place++, line);
  batches_ = planner_.finish(prompts_.lines());
  for (size_t batch = 0; batch < batches_.size(); ++batch) {
    int64_t row = 0;
    for (const int64_t each : batches_[batch].places) rows_[each] = {batch, row++};
  }
}

void LineCheck::add(int64_t place, const PromptFile::Line& line) {
  const PromptLine parsed = parse_(line.text, line.number);
  Line& noted = lines_[place];
  noted = {.number = line.number, .problem = parsed.problem, .unplanned = ""};
  if (!parsed.problem.empty()) return;
  try {
    planner_.add(parsed.settings, place);
  } catch (const Error& error) {
    noted.unplanned = error.what();
  }
}

void LineCheck::skip(const std::string& why) {
  if (skipped_++ == 0) why_skipped_ = why;
}

/// `place`: in a pass.
std::optional<Settings> LineCheck::expected(int64_t place, int64_t pass) {
  const auto found = rows_.find(place);
  if (found == rows_.end()) {
    skip(lines_.at(place).unplanned);
    return std::nullopt;
  }
  const auto [batch, row] = found->second;
  Request request = planned_request(batches_[batch], pass);
  try {
    fill_in_texts(batches_[batch], pass, &request);
  } catch (const Error& error) {
    skip(error.what());
    return std::nullopt;
  }
  return recorded_settings(settings_, request, pipeline::draw_record(request, row));
}

std::string LineCheck::difference(int64_t place, const PictureRecord& record) {
  const int64_t block = blocks_.of_place(place) % blocks_.in_pass();
  if (block != planned_) plan(block);
  const int64_t pass = place / prompts_.lines(), in_pass = place % prompts_.lines();
  const Line& line = lines_.at(in_pass);
  const std::string named = fmt::format("line {} of {}", line.number, printable(prompts_.path()));
  if (!line.problem.empty()) return named + ", which cannot be drawn: " + line.problem;
  const auto wanted = expected(in_pass, pass);
  const std::string found = wanted ? differences(*wanted, record.settings) : "";
  return found.empty() ? "" : named + " in " + found;
}

}  // namespace sd::job
