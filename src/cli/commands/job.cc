#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/new_file.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/job_verify.h"
#include "image/file_bytes.h"
#include "image/grid.h"
#include "image/image_io.h"
#include "job/gallery.h"
#include "job/job_survey.h"
#include "job/metadata_list.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct JobOptions {
  std::string part;
  std::string folder;
  std::string out;
  std::string prompts, ckpt, config;
  int64_t grid_columns = 0;
  bool partial = false;
  bool json = false;
};

Json number_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json to_json(const job::JobStatus& status) {
  return {{"pictures", status.pictures},
          {"drawn", status.drawn},
          {"failed", status.failed},
          {"missing", status.missing},
          {"pictures_per_hour", number_or_null(status.an_hour)},
          {"hours_left", number_or_null(status.hours_left)}};
}

int run_status(const JobOptions& options) {
  const job::JobStatus status = job::JobSurvey(options.folder).status();
  if (options.json) {
    print_json(to_json(status).dump());
    return 0;
  }
  print(fmt::format("{} of {} pictures are drawn, {} failed, {} are missing\n", status.drawn,
                    status.pictures, status.failed, status.missing));
  if (status.an_hour) print(fmt::format("{:.0f} pictures per hour lately", *status.an_hour));
  if (status.hours_left && status.missing > 0) {
    print(fmt::format("; {:.1f} hours left at that pace", *status.hours_left));
  }
  if (status.an_hour) print("\n");
  return 0;
}

int run_verify(const JobOptions& options) {
  return verify_job({.folder = options.folder,
                     .prompts = options.prompts,
                     .ckpt = options.ckpt,
                     .config = options.config,
                     .json = options.json});
}

void check_complete(const job::JobSurvey& job, bool partial) {
  const job::JobStatus status = job.status();
  if (partial || status.missing == 0) return;
  throw Error(ErrorKind::kUsage, fmt::format("{} pictures of the job are missing", status.missing),
              "run the job to its end, or merge what there is with --partial");
}

/// Throws where files were left out of what was written.
void throw_if_left_out(int64_t files) {
  if (files == 0) return;
  throw Error(
      ErrorKind::kUsage,
      fmt::format("{} files of the job cannot be read and were skipped; the others are included",
                  files),
      "remove the files listed above and run the job again: it draws them again");
}

/// The list that data set libraries read, of pictures or of tars. Returns how many were left out.
int64_t write_list(const job::JobSurvey& job, const fs::path& path) {
  NewFile list(path);
  const fs::path& folder = job.names().folder();
  int64_t left_out = 0;
  if (job.in_tars()) {
    left_out = job.each_sound_tar(
        [&](int64_t, const Json& statistics) { list.write(statistics.dump() + "\n"); });
  } else {
    left_out = job.each_sound_picture([&](int64_t, const fs::path& picture) {
      const std::string name = picture.lexically_relative(folder).generic_string();
      const auto record = job::find_record(picture, image::read_file_bytes(picture.string()));
      list.write(job::metadata_line(name, record));
    });
  }
  list.finish_over();
  return left_out;
}

/// Returns how many of the pictures were left out.
int64_t write_grid(const job::JobSurvey& job, const fs::path& path, int columns) {
  constexpr size_t kMostPictures = 256;
  std::vector<Image> images;
  if (job.in_tars()) {
    throw Error(ErrorKind::kUsage, "a grid shows pictures in a folder, and the job's are in tars",
                "leave --grid out");
  }
  const int64_t left_out = job.each_sound_picture([&](int64_t, const fs::path& picture) {
    if (images.size() < kMostPictures) images.push_back(image::read_image(picture));
  });
  if (images.empty()) {
    throw Error(ErrorKind::kUsage, "no picture of the job is drawn", "run the job first");
  }
  write_over(path, image::encode_png(image::make_grid(images, columns)));
  return left_out;
}

int run_merge(const JobOptions& options) {
  const job::JobSurvey job(options.folder);
  check_complete(job, options.partial);
  const fs::path list = job.names().folder() / (job.in_tars() ? "tars.jsonl" : "metadata.jsonl");
  int64_t left_out = write_list(job, list);
  print_path(list);
  if (options.grid_columns > 0) {
    const fs::path grid = job.names().folder() / "grid.png";
    left_out = std::max(left_out, write_grid(job, grid, static_cast<int>(options.grid_columns)));
    print_path(grid);
  }
  throw_if_left_out(left_out);
  return 0;
}

int run_gallery(const JobOptions& options) {
  const job::JobSurvey job(options.folder);
  const fs::path page =
      options.out.empty() ? job.names().folder() / "gallery.html" : fs::path(options.out);
  const job::GalleryCount count = job::write_gallery(job, page);
  notice(fmt::format("gallery: {} pictures", count.shown));
  print_path(page);
  throw_if_left_out(count.left_out);
  return 0;
}

/// A part of the command.
struct Part {
  const char* name;
  int (*run)(const JobOptions& options);
};

constexpr Part kParts[] = {
    {"status", run_status}, {"verify", run_verify}, {"merge", run_merge}, {"gallery", run_gallery}};

std::vector<std::string> part_names() {
  std::vector<std::string> names;
  for (const Part& part : kParts) names.emplace_back(part.name);
  return names;
}

int run_job(const JobOptions& options) {
  const bool merges = options.part == "merge";
  if (!merges && (options.grid_columns != 0 || options.partial)) {
    throw Error(ErrorKind::kUsage, "--grid and --partial go with sd job merge", "leave them out");
  }
  if (options.part != "gallery" && !options.out.empty()) {
    throw Error(ErrorKind::kUsage, "--out goes with sd job gallery", "leave it out");
  }
  const bool has_lines =
      !options.prompts.empty() || !options.ckpt.empty() || !options.config.empty();
  if (options.part != "verify" && has_lines) {
    throw Error(ErrorKind::kUsage, "--from-file, --ckpt and --config go with sd job verify",
                "leave them out");
  }
  if (options.part != "status" && options.part != "verify" && options.json) {
    throw Error(ErrorKind::kUsage, "--json goes with sd job status and verify", "leave it out");
  }
  for (const Part& part : kParts) {
    if (options.part == part.name) return part.run(options);
  }
  throw Error(ErrorKind::kUsage, "there is no sd job " + printable(options.part, 40),
              "there are " + join(part_names(), ", "));
}

}  // namespace

void add_job_command(CLI::App* program, RunFn* run) {
  CLI::App* command =
      program->add_subcommand("job", "show the state of a job, check it, or collect its pictures");
  auto options = std::make_shared<JobOptions>();
  command
      ->add_option("PART", options->part,
                   "status: what is drawn, failed and missing; verify: check every file and print "
                   "its SHA-256; merge: list all pictures in metadata.jsonl; gallery: show them on "
                   "one HTML page")
      ->required()
      ->type_name(join(part_names(), "|"));
  command->add_option("DIR", options->folder, "the job's folder")->required()->type_name("DIR");
  command->add_flag("--json", options->json, "status, verify: as JSON");
  command
      ->add_option("--grid", options->grid_columns,
                   "merge: also write grid.png, of the first 256 pictures, with this many per row")
      ->type_name("INT")
      ->check(CLI::Range(1, 256).description(""));
  command->add_flag("--partial", options->partial, "merge: also if the job is not finished");
  command
      ->add_option("--out", options->out,
                   "gallery: where to write the page; default: DIR/gallery.html")
      ->type_name("FILE");
  command
      ->add_option("--from-file", options->prompts,
                   "verify: the job's prompt file, to compare what its lines set; default: the "
                   "file with its name, here or next to the job's folder")
      ->type_name("FILE");
  command
      ->add_option("--ckpt", options->ckpt,
                   "verify: the job's model, for planning its lines; default: one that comes with "
                   "the program")
      ->type_name("FILE");
  command->add_option("--config", options->config, "verify: the model's YAML file")
      ->type_name("FILE");
  command->callback([options, run] { *run = [options] { return run_job(*options); }; });
}

}  // namespace sd::cli
