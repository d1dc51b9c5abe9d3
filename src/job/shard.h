#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sd::job {

/// A share of a job: every `count`th block from block `index` on.
struct Shard {
  int64_t index = 0;
  int64_t count = 1;

  bool operator==(const Shard&) const = default;
};

/// A variable of the environment, or null.
using Environment = std::function<const char*(const char* name)>;

/// "i/n", i from 0. "auto" is what the engine says that started the process, by the first of these
/// that is set: SLURM_ARRAY_TASK_ID (with _MIN, _MAX, _COUNT and _STEP), AWS_BATCH_JOB_ARRAY_INDEX
/// with AWS_BATCH_JOB_ARRAY_SIZE, PBS_ARRAY_INDEX with PBS_ARRAY_COUNT or as auto/n, SLURM_PROCID
/// with SLURM_NTASKS. "auto/n" takes n from the text and i from JOB_COMPLETION_INDEX (Kubernetes)
/// or any of those. Empty: all of the job. Throws Error(kUsage).
Shard parse_shard(const std::string& text, const Environment& environment);

}  // namespace sd::job
