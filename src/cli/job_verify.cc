#include "cli/job_verify.h"

#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/output.h"
#include "base/regular_file.h"
#include "base/strings.h"
#include "base/version.h"
#include "cli/flag_names.h"
#include "cli/prompt_lines.h"
#include "image/file_bytes.h"
#include "job/file_hash.h"
#include "job/job_check.h"
#include "job/line_check.h"
#include "job/shard_jobs.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// The lines of a job, and all that they are planned with.
struct Lines {
  Lines(Settings of_job, job::ChosenModel chosen)
      : settings(std::move(of_job)),
        model(std::move(chosen)),
        prompts(settings.from_file, job::lines_per_block(settings)),
        check(settings, model, prompts, [this](const std::string& text, int64_t number) {
          return parse_prompt_line(text, number, prompts.json(), settings);
        }) {}
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  Settings settings;
  job::ChosenModel model;
  job::PromptFile prompts;
  job::LineCheck check;
};

void say_not_compared(const std::string& why) {
  notice("the settings of lines are not compared: " + why);
}

/// The prompt file that was given.
std::string given_prompts(const job::JobDescription& job, const std::string& given) {
  const std::string hash = job::sha256_of_file(given);
  if (hash == job.prompts_sha256) return given;
  throw Error(ErrorKind::kUsage,
              printable(given) + " is not the prompt file of the job: expected the SHA-256 " +
                  printable(job.prompts_sha256, 64) + ", found " + hash,
              "name the file as it was when the job began, or leave `from_file` out");
}

/// The prompt file, in this folder or beside the job's, by the name that job.json has; empty, which
/// is said, where it is not there.
std::string find_prompts(const job::JobDescription& job, const fs::path& folder) {
  const fs::path name = fs::path(job.prompts_name).filename();
  bool has_changed = false;
  fs::path of_job = fs::absolute(folder).lexically_normal();
  if (!of_job.has_filename()) of_job = of_job.parent_path();  // it ends in a slash
  for (const fs::path& path : {name, of_job.parent_path() / name}) {
    if (name.empty() || !is_regular(path)) continue;
    if (job::sha256_of_file(path.string()) == job.prompts_sha256) return path.string();
    has_changed = true;
  }
  say_not_compared("the prompt file " + printable(name.string()) +
                   (has_changed ? " has changed since the job began"
                                : " is not here; name it with `from_file`"));
  return "";
}

/// Null, which is said, where the lines cannot be compared.
std::unique_ptr<Lines> open_lines(const job::JobSurvey& job, const VerifyOptions& options) {
  const job::JobDescription& description = job.description();
  Settings settings = description.settings;
  settings.from_file = options.prompts.empty() ? find_prompts(description, options.folder)
                                               : given_prompts(description, options.prompts);
  if (settings.from_file.empty()) return nullptr;
  if (description.version != program_version()) {
    say_not_compared("version " + printable(description.version, 40) +
                     " of the program began the job, and this is " + program_version());
    return nullptr;
  }
  settings.ckpt = options.ckpt;
  settings.config = options.config;
  settings.vae = job::kOwnVae;
  auto model = job::find_model_of_job(settings, job.sheet());
  if (model) return std::make_unique<Lines>(std::move(settings), std::move(*model));
  say_not_compared("the model of the job is not known here; name it with `ckpt`");
  return nullptr;
}

/// Prints the hash of each file, or what is wrong with it.
class Verifier {
 public:
  Verifier(const job::JobSurvey& job, bool as_json) : job_(job), as_json_(as_json) {}

  void see(const fs::path& path, const std::string& hash,
           const std::vector<std::string>& problems) {
    const std::string name = path.lexically_relative(job_.names().folder()).generic_string();
    ++files_;
    if (!problems.empty()) ++bad_;
    for (const std::string& problem : problems) {
      complain(fmt::format("error: {}: {}", name, problem));
    }
    if (as_json_) {
      const std::string problem = with_flags(join(problems, "\n"));
      print_json(Json({{"file", name}, {"sha256", hash}, {"problem", problem}}).dump());
    } else if (problems.empty()) {
      print(hash + "  " + name + "\n");
    }
  }

  int64_t files() const { return files_; }
  int64_t bad() const { return bad_; }

 private:
  const job::JobSurvey& job_;
  bool as_json_;
  int64_t files_ = 0, bad_ = 0;
};

void verify_picture(const job::JobCheck& check, int64_t place, const fs::path& path,
                    Verifier* verifier) {
  std::vector<uint8_t> bytes;
  try {
    bytes = image::read_file_bytes(path.string());
  } catch (const Error& error) {
    return verifier->see(path, "", {error.what()});
  }
  const std::string problem = check.problem_of_picture(place, path.string(), bytes);
  verifier->see(path, weights::sha256_of(bytes.data(), bytes.size()),
                problem.empty() ? std::vector<std::string>() : std::vector{problem});
}

void verify_tars(const job::JobSurvey& job, const job::JobCheck& check, Verifier* verifier) {
  job.each_tar([&](int64_t number, const Json& statistics) {
    const auto said = job::parse_tar_statistics(statistics);
    verifier->see(job.names().tar(number), said ? said->sha256 : "",
                  check.problems_of_tar(number, statistics));
  });
}

void say_how_lines_went(const Lines& lines) {
  if (lines.check.skipped() == 0) {
    return notice("the settings of lines are as " + printable(lines.prompts.path()) + " says");
  }
  say_not_compared(fmt::format("{} pictures belong to lines that cannot be planned here: {}",
                               lines.check.skipped(), lines.check.why_skipped()));
}

}  // namespace

int verify_job(const VerifyOptions& options) {
  const job::JobSurvey job(options.folder);
  const auto lines = open_lines(job, options);
  const job::JobCheck check(job, lines ? &lines->check : nullptr);
  Verifier verifier(job, options.json);
  if (job.in_tars()) {
    verify_tars(job, check, &verifier);
  } else {
    job.each_picture([&](int64_t place, const fs::path& path) {
      verify_picture(check, place, path, &verifier);
    });
  }
  if (verifier.bad() == 0) {
    if (lines) say_how_lines_went(*lines);
    return 0;
  }
  throw Error(
      ErrorKind::kFile,
      fmt::format("{} of {} files are damaged or of another job", verifier.bad(), verifier.files()),
      "remove the files listed above and run the job again: it draws them again");
}

}  // namespace sd::cli
