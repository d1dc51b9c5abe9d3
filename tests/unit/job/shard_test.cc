#include "job/shard.h"

#include <map>

#include "support/expect_error.h"

namespace sd {
using namespace job;

namespace {

using Variables = std::map<std::string, std::string>;

Shard parse(const std::string& text, const Variables& variables = {}) {
  return parse_shard(text, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Shard, IsAllOfTheJobWithoutOne) { EXPECT_EQ(parse(""), (Shard{0, 1})); }

TEST(Shard, IsCountedFromZero) {
  EXPECT_EQ(parse("0/8"), (Shard{0, 8}));
  EXPECT_EQ(parse("7/8"), (Shard{7, 8}));
}

TEST(Shard, RefusesWhatIsNone) {
  for (const char* text : {"8/8", "-1/8", "1", "1/0", "a/b", "1/2/3", "auto/0", " 1/2"}) {
    test::expect_error(ErrorKind::kUsage, "must be like 0/8", [&] { parse(text); });
  }
}

TEST(Shard, IsWhatASlurmArraySays) {
  EXPECT_EQ(parse("auto", {{"SLURM_ARRAY_TASK_ID", "5"},
                           {"SLURM_ARRAY_TASK_MIN", "1"},
                           {"SLURM_ARRAY_TASK_MAX", "7"},
                           {"SLURM_ARRAY_TASK_COUNT", "4"},
                           {"SLURM_ARRAY_TASK_STEP", "2"}}),
            (Shard{2, 4}));
  // A process of a task of an array is the task's, whatever number it has there.
  EXPECT_EQ(parse("auto", {{"SLURM_ARRAY_TASK_ID", "3"},
                           {"SLURM_ARRAY_TASK_MAX", "3"},
                           {"SLURM_PROCID", "0"},
                           {"SLURM_NTASKS", "4"}}),
            (Shard{3, 4}));
  // One task that is sent again alone says which of how many it is.
  EXPECT_EQ(parse("auto/8", {{"SLURM_ARRAY_TASK_ID", "3"},
                             {"SLURM_ARRAY_TASK_MIN", "3"},
                             {"SLURM_ARRAY_TASK_MAX", "3"},
                             {"SLURM_ARRAY_TASK_COUNT", "1"}}),
            (Shard{3, 8}));
}

TEST(Shard, RefusesASlurmArrayWithGaps) {
  const Variables gaps = {{"SLURM_ARRAY_TASK_ID", "3"},
                          {"SLURM_ARRAY_TASK_MIN", "1"},
                          {"SLURM_ARRAY_TASK_MAX", "9"},
                          {"SLURM_ARRAY_TASK_COUNT", "3"},
                          {"SLURM_ARRAY_TASK_STEP", "1"}};
  test::expect_error(ErrorKind::kUsage, "a range with one step", [&] { parse("auto", gaps); });
}

TEST(Shard, IsWhatOtherEnginesSay) {
  EXPECT_EQ(parse("auto", {{"AWS_BATCH_JOB_ARRAY_INDEX", "2"}, {"AWS_BATCH_JOB_ARRAY_SIZE", "9"}}),
            (Shard{2, 9}));
  EXPECT_EQ(parse("auto", {{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}}), (Shard{1, 2}));
  EXPECT_EQ(parse("auto/6", {{"JOB_COMPLETION_INDEX", "5"}}), (Shard{5, 6}));
  EXPECT_EQ(parse("auto/4", {{"PBS_ARRAY_INDEX", "3"}}), (Shard{3, 4}));
}

TEST(Shard, RefusesWhatNoEngineSays) {
  test::expect_error(ErrorKind::kUsage, "no engine", [] { parse("auto"); });
  test::expect_error(ErrorKind::kUsage, "how many shards", [] {
    parse("auto", {{"JOB_COMPLETION_INDEX", "5"}});
  });
  test::expect_error(ErrorKind::kUsage, "must be a whole number", [] {
    parse("auto/6", {{"JOB_COMPLETION_INDEX", "x"}});
  });
}

}  // namespace
}  // namespace sd
