#include "cli/run_checks.h"

#include <initializer_list>
#include <string>

#include "job/sinks/sinks.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

/// A rule: where `broken`, the settings are refused with these words.
struct Rule {
  bool broken;
  const char* message;
  const char* hint;
};

void throw_first(std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) {
    if (rule.broken) throw Error(ErrorKind::kUsage, rule.message, rule.hint);
  }
}

/// Settings that count only under `job`.
bool is_of_jobs(const JobSettings& job) {
  return job.retry_failed || !job.shard.empty() || job.time_limit;
}

void check_job(const Settings& settings, bool sweeps) {
  throw_first(
      {{sweeps, "`sweep` does not go with `job`", "write the values into the lines of the file"},
       {settings.skip_save, "`skip_save` leaves nothing to write", "leave it out"},
       {settings.from_file.empty(), "`job` draws the lines of a file, and none is given",
        "give it with `from_file`"},
       {settings.preview > 0, "`preview` does not go with `job`",
        "leave it out: a job's folder holds its pictures"},
       {settings.outdir.has_value(), "`job` does not go with `outdir`",
        "the folder after `job` is where the pictures go"}});
}

}  // namespace

bool is_profiled(const Settings& settings) {
  return settings.profile || !settings.profile_json.empty();
}

void check_run(const Settings& settings, bool sweeps) {
  job::find_sink(settings.output.sink);
  const bool is_job = !settings.job.folder.empty();
  const bool in_folder = settings.output.sink == "folder";
  throw_first({{is_profiled(settings) && !settings.devices.empty(),
                "`profile` times one device, and `devices` names several", "use `device`"},
               {settings.output.metadata_jsonl && (is_job || !in_folder),
                "`metadata_jsonl` goes with a folder of pictures that is no job's",
                "sd job merge makes the list of a job; tars have theirs in them"}});
  if (is_job) return check_job(settings, sweeps);
  throw_first(
      {{is_of_jobs(settings.job), "`shard`, `retry_failed` and `time_limit` go with `job`",
        "give `job` a folder"},
       {settings.skip_save && !in_folder, "`skip_save` leaves nothing to write", "leave it out"}});
}

void check_serve(const Settings& settings, bool sweeps) {
  struct Other {
    bool given;
    const char* name;
  };
  const JobSettings& job = settings.job;
  const Other others[] = {{sweeps, "sweep"},
                          {!settings.from_file.empty(), "from_file"},
                          {!settings.devices.empty(), "devices"},
                          {!job.folder.empty(), "job"},
                          {!job.shard.empty(), "shard"},
                          {job.retry_failed, "retry_failed"},
                          {job.time_limit.has_value(), "time_limit"},
                          {settings.output.sink != "folder", "sink"},
                          {settings.output.metadata_jsonl, "metadata_jsonl"},
                          {settings.skip_save, "skip_save"},
                          {settings.profile, "profile"},
                          {!settings.profile_json.empty(), "profile_json"}};
  for (const Other& other : others) {
    if (!other.given) continue;
    throw Error(ErrorKind::kUsage,
                std::string("`") + other.name +
                    "` does not go with `serve`, which draws requests from standard input, one "
                    "picture each, on one device, into a folder",
                "leave it out");
  }
}

}  // namespace sd::cli
