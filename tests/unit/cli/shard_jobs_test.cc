// What the shards of a job draw: the same as one run, whoever draws it, and only what is missing.

#include "job/shard_jobs.h"

#include <gtest/gtest.h>

#include "cli/prompt_lines.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
namespace {

/// The batch that a place is drawn in, and its random numbers.
struct Drawn {
  std::vector<int64_t> places;
  NoisePlace noise;
  std::string prompt;

  bool operator==(const Drawn&) const = default;
};
using ByPlace = std::map<int64_t, Drawn>;

class ShardPlan : public ::testing::Test {
 protected:
  ShardPlan() {
    settings_.n_samples = 3;
    settings_.n_iter = 2;
    settings_.job.block = 2;
    settings_.job.folder = (folder_ / "job").string();
  }

  void write(const std::string& lines) {
    settings_.from_file = folder_.write("prompts.txt", lines).string();
  }

  /// Takes all jobs of a shard. `see` may keep some of them.
  template <class See>
  void take_all(Shard shard, const See& see) {
    const PromptFile prompts(settings_.from_file, lines_per_block(settings_));
    const JobFolder folder(
        {settings_.job.folder, prompts.lines() * settings_.n_iter, settings_.output.format});
    ShardJobs jobs({.settings = settings_,
                    .model = model_,
                    .built_in_model = false,
                    .prompts = prompts,
                    .folder = folder,
                    .shard = shard,
                    .parse = [&](const std::string& text, int64_t number) {
                      return parse_prompt_line(text, number, prompts.json(), settings_);
                    }});
    jobs.start();
    while (const auto job = jobs.take()) {
      see(*job, folder);
      jobs.done(*job);
    }
    failed_ += jobs.failed_lines();
  }

  ByPlace by_place(int64_t count) {
    ByPlace all;
    for (int64_t i = 0; i < count; ++i) {
      take_all({i, count}, [&](const Job& job, const JobFolder&) { note(job, &all); });
    }
    return all;
  }

  static void note(const Job& job, ByPlace* all) {
    for (size_t row = 0; row < job.places.size(); ++row) {
      const bool is_new =
          all->insert({job.places[row],
                       {job.places, job.request.noise, job.request.pictures[row].prompt}})
              .second;
      EXPECT_TRUE(is_new) << job.places[row];
    }
  }

  /// What a run that is no job draws.
  ByPlace plain_run() {
    const BatchPlan plan = plan_batches(settings_, model_, false, read_prompt_lines(settings_));
    JobList jobs(plan, model_, settings_.fixed_code);
    ByPlace all;
    while (const auto job = jobs.take()) note(*job, &all);
    return all;
  }

  static std::string plain_lines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += "prompt " + std::to_string(i) + "\n";
    return lines;
  }

  TempFolder folder_;
  ModelDescription model_;
  Settings settings_{Script::kTxt2Img};
  int64_t failed_ = 0;
};

TEST_F(ShardPlan, DrawsPlainLinesAsARunThatIsNoJob) {
  write(plain_lines(50));
  for (const auto mode : {SeedMode::kStream, SeedMode::kImage}) {
    settings_.seed_mode = mode;
    const ByPlace expected = plain_run();
    ASSERT_EQ(expected.size(), 100U);
    for (const int64_t count : {1, 2, 7, 40}) EXPECT_EQ(by_place(count), expected) << count;
  }
}

TEST_F(ShardPlan, DrawsWithAFixedCodeAsARunThatIsNoJob) {
  write(plain_lines(20));
  settings_.fixed_code = true;
  EXPECT_EQ(by_place(3), plain_run());
}

TEST_F(ShardPlan, DrawsMixedLinesInOneWayWhateverTheNumberOfShards) {
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    lines += "prompt " + std::to_string(i);
    if (i % 7 == 1) lines += " --W 256";
    if (i % 11 == 3) lines += " --sampler euler_a --steps 9";
    if (i % 13 == 5) lines += " --seed 8";
    if (i % 17 == 6) lines += " --W 100";  // no multiple of 64
    lines += "\n";
  }
  write(lines);
  for (const auto mode : {SeedMode::kStream, SeedMode::kImage}) {
    settings_.seed_mode = mode;
    const ByPlace expected = by_place(1);
    EXPECT_EQ(expected.size(), 76U);  // two lines of forty cannot be drawn, in two passes
    for (const int64_t count : {2, 5}) EXPECT_EQ(by_place(count), expected) << count;
  }
}

TEST_F(ShardPlan, DrawsOnlyWhatIsMissing) {
  write(plain_lines(12));
  settings_.n_iter = 1;
  const ByPlace expected = by_place(1);
  take_all({}, [](const Job& job, const JobFolder& folder) {
    for (const int64_t place : job.places) {
      if (place % 4 == 0) folder.write(folder.names().picture(place), "a picture");
    }
  });
  std::vector<int64_t> drawn;
  take_all({}, [&](const Job& job, const JobFolder&) {
    EXPECT_EQ(job.request.noise, expected.at(job.places[0]).noise);
    EXPECT_EQ(job.request.pictures.size(), 3U);  // the batch has its size all the same
    if (job.request.keep.empty()) drawn.insert(drawn.end(), job.places.begin(), job.places.end());
    for (const int64_t row : job.request.keep) {
      drawn.push_back(job.places[static_cast<size_t>(row)]);
    }
    EXPECT_EQ(job.request.keep.empty() ? 3 : std::ssize(job.request.keep), job.wanted());
  });
  EXPECT_EQ(drawn, (std::vector<int64_t>{1, 2, 3, 5, 6, 7, 9, 10, 11}));
}

TEST_F(ShardPlan, KeepsFailedLinesUntilTheyAreAskedForAgain) {
  write("a\nb --W 100\nc\n");
  settings_.n_iter = 1;
  EXPECT_EQ(by_place(1).size(), 2U);
  EXPECT_EQ(failed_, 1);
  const JobFolder folder({settings_.job.folder, 3, PictureFormat::kPng});
  const auto failure = folder.failure(1);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->line, 2);
  EXPECT_EQ(failure->attempts, 1);
  EXPECT_NE(failure->reason.find("multiple of 64"), std::string::npos) << failure->reason;
  by_place(1);
  EXPECT_EQ(folder.failure(1)->attempts, 1);
  settings_.job.retry_failed = true;
  by_place(1);
  EXPECT_EQ(folder.failure(1)->attempts, 2);
  EXPECT_EQ(failed_, 3);
}

TEST_F(ShardPlan, GoesOnWithoutALineThatFails) {
  write(plain_lines(6));
  settings_.n_iter = 1;
  const PromptFile prompts(settings_.from_file, lines_per_block(settings_));
  const JobFolder folder({settings_.job.folder, 6, PictureFormat::kPng});
  const auto parse = [&](const std::string& text, int64_t number) {
    return parse_prompt_line(text, number, false, settings_);
  };
  ShardJobs jobs({settings_, model_, false, prompts, folder, {}, parse});
  jobs.start();
  const Error error(ErrorKind::kDevice, "no memory");
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_FALSE(folder.failure(0));  // it may be the machine
  jobs.done(*jobs.take());
  ASSERT_TRUE(folder.failure(2));  // it was the line
  EXPECT_EQ(folder.failure(2)->reason, "no memory");
  EXPECT_EQ(folder.failure(2)->line, 3);
  EXPECT_FALSE(jobs.take());
  EXPECT_EQ(jobs.pictures(), 3);
}

TEST_F(ShardPlan, EndsWhereEverythingFails) {
  write(plain_lines(30));
  const PromptFile prompts(settings_.from_file, lines_per_block(settings_));
  const JobFolder folder({settings_.job.folder, 60, PictureFormat::kPng});
  const auto parse = [&](const std::string& text, int64_t number) {
    return parse_prompt_line(text, number, false, settings_);
  };
  ShardJobs jobs({settings_, model_, false, prompts, folder, {}, parse});
  jobs.start();
  const Error error(ErrorKind::kDevice, "the card is gone");
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_FALSE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "job/failed"));
  EXPECT_FALSE(jobs.go_on_without(*jobs.take(), Error(ErrorKind::kCancelled, "stopped")));
}

TEST_F(ShardPlan, RefusesSettingsThatNoLineCanBeDrawnWith) {
  write("a\n");
  settings_.batch.steps = 0;
  expect_error(ErrorKind::kUsage, "steps", [&] { by_place(1); });
  EXPECT_FALSE(std::filesystem::exists(folder_ / "job"));
}

}  // namespace
}  // namespace sd::test
