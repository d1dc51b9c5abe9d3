#include "job/shard.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>

#include "base/strings.h"
#include "sd/error.h"

namespace sd::job {
namespace {

[[noreturn]] void refuse(const std::string& found) {
  throw Error(ErrorKind::kUsage, "`shard` must be like 0/8, auto or auto/8, found " + found,
              "i/n is the share i, from 0 to n - 1, of n");
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

/// The number that a variable holds; nothing where it is not set. Throws for another text.
std::optional<int64_t> variable(const Environment& environment, const char* name) {
  const char* text = environment(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const auto number = number_of(text);
  if (number) return number;
  throw Error(ErrorKind::kUsage,
              std::string("`shard` auto: ") + name + " must be a whole number, found " +
                  printable(text, 40),
              "the engine that starts the program sets it");
}

/// As the tasks of a Slurm array are numbered: from MIN in steps.
std::optional<Shard> slurm_array(const Environment& environment) {
  const auto id = variable(environment, "SLURM_ARRAY_TASK_ID");
  if (!id) return std::nullopt;
  const int64_t least = variable(environment, "SLURM_ARRAY_TASK_MIN").value_or(0);
  const int64_t most = variable(environment, "SLURM_ARRAY_TASK_MAX").value_or(*id);
  const auto count = variable(environment, "SLURM_ARRAY_TASK_COUNT");
  const int64_t given_step = variable(environment, "SLURM_ARRAY_TASK_STEP").value_or(1);
  const int64_t step = given_step > 0 ? given_step : 1;
  const int64_t by_range = (most - least) / step + 1;
  if (*id < least || (*id - least) % step != 0 || (count && *count != by_range)) {
    throw Error(ErrorKind::kUsage,
                "`shard` auto: the tasks of the Slurm array must be a range with one step, such as "
                "0-7 or 1-15:2",
                "give another --array, or `shard` i/n");
  }
  return Shard{(*id - least) / step, by_range};
}

/// A variable for the index and one for the count.
struct Variables {
  const char* index;
  const char* count;  ///< null: there is none
};

constexpr Variables kEngines[] = {
    {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"},
    {"PBS_ARRAY_INDEX", "PBS_ARRAY_COUNT"},
    {"PBS_ARRAYID", nullptr},
    {"SLURM_PROCID", "SLURM_NTASKS"},
    {"JOB_COMPLETION_INDEX", nullptr},
};

/// `count`: of auto/n.
Shard automatic(const Environment& environment, std::optional<int64_t> count) {
  if (!count) {
    if (const auto shard = slurm_array(environment)) return *shard;
  } else if (const auto id = variable(environment, "SLURM_ARRAY_TASK_ID")) {
    return {*id, *count};
  }
  for (const Variables& engine : kEngines) {
    const auto index = variable(environment, engine.index);
    if (!index) continue;
    if (count) return {*index, *count};
    const auto known = engine.count == nullptr ? std::nullopt : variable(environment, engine.count);
    if (known) return {*index, *known};
    throw Error(ErrorKind::kUsage,
                std::string("`shard` auto: ") + engine.index +
                    " is set, and nothing says how many "
                    "shards there are",
                "say it: `shard` auto/8");
  }
  throw Error(
      ErrorKind::kUsage, "`shard` auto: no engine that is known has started this process",
      "Slurm, AWS Batch, PBS and (with auto/n) Kubernetes are known; else give `shard` i/n");
}

}  // namespace

Shard parse_shard(const std::string& text, const Environment& environment) {
  if (text.empty()) return {};
  const size_t slash = text.find('/');
  const std::string_view first = std::string_view(text).substr(0, slash);
  std::optional<int64_t> count;
  if (slash != std::string::npos) {
    count = number_of(std::string_view(text).substr(slash + 1));
    if (!count || *count < 1) refuse(printable(text, 40));
  }
  Shard shard;
  if (first == "auto") {
    shard = automatic(environment, count);
  } else {
    const auto index = number_of(first);
    if (!index || !count) refuse(printable(text, 40));
    shard = {*index, *count};
  }
  if (shard.index < shard.count) return shard;
  refuse(fmt::format("{}/{}", shard.index, shard.count));
}

}  // namespace sd::job
