#pragma once

#include <string>
#include <vector>

#include "job/settings_rows/about.h"

namespace sd::job {

/// The names of the table of sinks.
std::vector<std::string> sink_names();

/// How pictures are saved.
template <class S, class V>
void visit_output_settings(S& s, V&& v) {
  using enum SettingGroup;
  constexpr double kBestQuality = 100;
  v("format", s.output.format,
    About{
        .flags = "format",
        .group = kOutput,
        .help = "file format of the saved pictures; JPEG and WebP store their parameters in EXIF"});
  v("quality", s.output.quality,
    About{.flags = "quality",
          .group = kOutput,
          .help = "quality of JPEG and WebP files, 1 to 100",
          .limits = {1, kBestQuality}});
  v("save_size", s.output.save_size,
    About{.flags = "save-size",
          .group = kOutput,
          .help = "shrink pictures before saving them, to this many pixels along the longer side; "
                  "0: save them as drawn",
          .limits = {0, kMaxSide},
          .record = "/save_size",
          .sparse = true});
  v("sink", s.output.sink,
    About{.flags = "sink",
          .group = kOutput,
          .help = "where to save pictures: in a folder, or in tar files, the shards that "
                  "webdataset reads",
          .more = "see docs/jobs.md",
          .kind = "NAME",
          .names = sink_names});
  v("metadata_jsonl", s.output.metadata_jsonl,
    About{
        .flags = "metadata-jsonl",
        .group = kOutput,
        .help =
            "list the pictures in samples/metadata.jsonl, in the form that data set libraries read",
        .local = true});
}

/// Jobs that go on where they ended.
template <class S, class V>
void visit_job_settings(S& s, V&& v) {
  using enum SettingGroup;
  constexpr double kMostBatches = 1'000'000;
  v("job", s.job.folder,
    About{.flags = "job",
          .group = kJob,
          .help = "draw the lines of --from-file into this folder, numbered by their place in the "
                  "file; run the same command again to resume",
          .more = "see docs/jobs.md",
          .kind = "DIR",
          .local = true});
  v("shard", s.job.shard,
    About{.flags = "shard",
          .group = kJob,
          .help = "draw share i of n, as in 0/8; auto: as Slurm, AWS Batch or PBS say; auto/n: as "
                  "JOB_COMPLETION_INDEX says",
          .kind = "I/N",
          .local = true});
  v("block", s.job.block,
    About{.flags = "block",
          .group = kJob,
          .help = "number of consecutive batches in a block; a block belongs to one share and "
                  "fills one tar",
          .limits = {1, kMostBatches}});
  v("retry_failed", s.job.retry_failed,
    About{.flags = "retry-failed",
          .group = kJob,
          .help = "retry lines that failed before",
          .local = true});
  v("time_limit", s.job.time_limit,
    About{
        .flags = "time-limit",
        .group = kJob,
        .help =
            "stop before this time is over, with exit code 75: 90 (seconds), 45m, 2h or 1-12:00:00",
        .local = true});
}

}  // namespace sd::job
