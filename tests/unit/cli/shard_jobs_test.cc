// What the shards of a job draw: the same as one run, whoever draws it, and only what is missing.

#include "job/shard_jobs.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/prompt_lines.h"
#include "job/tar_file.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using nlohmann::json;

/// What failed/ says of a place.
json failure_of(const JobFolder& folder, int64_t place) {
  std::ifstream file(folder.names().failure(place));
  return json::parse(file);
}

/// The batch that a place is drawn in, and its random numbers.
struct Drawn {
  std::vector<int64_t> places;
  NoisePlace noise;
  std::string prompt;

  bool operator==(const Drawn&) const = default;
};
using ByPlace = std::map<int64_t, Drawn>;

/// The jobs of a shard, by default of all lines, and what they need; to be started.
struct Begun {
  PromptFile prompts;
  JobFolder folder;
  ShardJobs jobs;

  Begun(const Settings& settings, const ModelDescription& model, Shard shard = {},
        KeptTars* kept = nullptr)
      : prompts(settings.from_file, lines_per_block(settings)),
        folder({settings.job.folder, prompts.lines() * settings.n_iter, settings.output.format}),
        jobs({.settings = settings,
              .model = model,
              .built_in_model = false,
              .prompts = prompts,
              .folder = folder,
              .shard = shard,
              .parse =
                  [this, &settings](const std::string& text, int64_t number) {
                    return parse_prompt_line(text, number, prompts.json(), settings);
                  },
              .kept = kept}) {}
};

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

  /// A job of so many plain lines in tars, of six lines each.
  JobFolder in_tars(int lines) {
    write(plain_lines(lines));
    settings_.n_iter = 1;
    settings_.output.sink = "tar";
    return JobFolder({settings_.job.folder, lines, PictureFormat::kPng});
  }

  /// Takes all jobs of a shard. `see` may keep some of them.
  template <class See>
  void take_all(Shard shard, const See& see) {
    Begun begun(settings_, model_, shard, &kept_);
    auto& [prompts, folder, jobs] = begun;
    jobs.start();
    nothing_to_draw_ = jobs.draws_nothing();
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
  KeptTars kept_;
  int64_t failed_ = 0;
  bool nothing_to_draw_ = false;  ///< for the shard that was taken last
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

TEST_F(ShardPlan, DrawsLinesThatNameAdaptersInOneWayWhateverTheNumberOfShards) {
  folder_.write("loras/here.safetensors", "x");
  std::string lines;
  for (int i = 0; i < 30; ++i) {
    lines += "prompt " + std::to_string(i);
    if (i % 5 == 0) lines += " <lora:here:1>";
    if (i % 11 == 3) lines += " <lora:gone:1>";
    lines += "\n";
  }
  write(lines);
  settings_.lora_dir = (folder_ / "loras").string();
  settings_.batch.prompts.syntax = PromptSyntax::kWebUi;
  for (const bool expand : {false, true}) {
    settings_.expand = expand;
    const ByPlace expected = by_place(1);
    EXPECT_EQ(expected.size(), 54U);  // three lines of thirty cannot be drawn, in two passes
    for (const int64_t count : {2, 5}) EXPECT_EQ(by_place(count), expected) << count;
  }
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
  EXPECT_EQ(folder.failures(1), 1);
  const json failure = failure_of(folder, 1);
  EXPECT_EQ(failure["line"], 2);
  const std::string reason = failure["reason"];
  EXPECT_NE(reason.find("multiple of 64"), std::string::npos) << reason;
  by_place(1);
  EXPECT_EQ(folder.failures(1), 1);
  settings_.job.retry_failed = true;
  by_place(1);
  EXPECT_EQ(folder.failures(1), 2);
  EXPECT_EQ(failed_, 3);
}

/// A tar of the block's places, with its statistics.
void write_tar(const JobFolder& folder, int64_t block, const std::vector<int64_t>& places,
               int64_t failed) {
  const JobNames& names = folder.names();
  std::filesystem::create_directories(names.folder());
  TarFile tar(names.tar(block), names.folder());
  for (const int64_t place : places) {
    for (const char* ending : {".png", ".txt", ".json"}) {
      tar.add(JobNames::key(place) + ending, "sample " + std::to_string(place));
    }
  }
  ASSERT_TRUE(tar.finish(/*over=*/true));
  const json statistics = {{"samples", places.size()},
                           {"failed", failed},
                           {"bytes", tar.bytes()},
                           {"sha256", tar.sha256()}};
  folder.replace(names.tar_statistics(block), statistics.dump());
}

TEST_F(ShardPlan, DrawsAgainOfATarWhatFailed) {
  const JobFolder folder = in_tars(6);  // one block
  write_tar(folder, 0, {0, 1, 3, 5}, 2);
  folder.fail(2, 3, "no memory");
  folder.fail(3, 4, "overcome, but the run was killed before it said so");
  std::vector<int64_t> drawn;
  const auto note_wanted = [&](const Job& job, const JobFolder&) {
    for (const int64_t row : job.request.keep) {
      drawn.push_back(job.places[static_cast<size_t>(row)]);
    }
    if (job.request.keep.empty()) drawn.insert(drawn.end(), job.places.begin(), job.places.end());
  };
  take_all({}, note_wanted);
  EXPECT_EQ(drawn, std::vector<int64_t>());
  EXPECT_EQ(failed_, 2);
  settings_.job.retry_failed = true;
  take_all({}, note_wanted);
  EXPECT_EQ(drawn, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(folder.failures(3), 0);
  EXPECT_EQ(folder.failures(2), 1);  // until the new tar is there
  drawn.clear();
  std::ofstream(folder.names().tar(0), std::ios::app) << "x";  // damaged: nothing of it is kept
  take_all({}, note_wanted);
  EXPECT_EQ(drawn, (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST_F(ShardPlan, DrawsATarAgainThatIsGoneOrHasNoStatistics) {
  const JobFolder folder = in_tars(12);  // two blocks
  write_tar(folder, 0, {0, 1, 2, 3, 4, 5}, 0);
  write_tar(folder, 1, {6, 7, 8, 9, 10, 11}, 0);
  EXPECT_EQ(by_place(1).size(), 0U);
  EXPECT_TRUE(nothing_to_draw_);
  std::filesystem::remove(folder.names().tar(0));
  EXPECT_EQ(by_place(1).size(), 6U);
  folder.replace(folder.names().tar_statistics(1), "{ damaged");
  EXPECT_EQ(by_place(1).size(), 12U);
}

TEST_F(ShardPlan, DrawsATarAgainThatWasCut) {
  const JobFolder folder = in_tars(6);  // one block
  write_tar(folder, 0, {0, 1, 2, 3, 4, 5}, 0);
  EXPECT_EQ(by_place(1).size(), 0U);
  std::filesystem::resize_file(folder.names().tar(0), 1000);
  EXPECT_EQ(by_place(1).size(), 6U);
}

TEST_F(ShardPlan, HasNothingToDrawWhereAllLinesFail) {
  write("a --init-img absent.png\nb --init-img absent.png\n");
  settings_ = Settings(Script::kImg2Img);
  settings_.n_iter = 1;
  settings_.job.folder = (folder_ / "job").string();
  settings_.from_file = (folder_ / "prompts.txt").string();
  settings_.output.sink = "tar";
  EXPECT_EQ(by_place(1).size(), 0U);
  EXPECT_TRUE(nothing_to_draw_);
  EXPECT_EQ(failed_, 2);
}

TEST_F(ShardPlan, LeavesOutALineOfWhichALaterPassCannotBeDrawn) {
  folder_.write("cards/turn.txt", "<lora:here:1>\n<lora:gone:1>\n");
  folder_.write("loras/here.safetensors", "x");
  write("a house\n__@turn__\na tree\n");
  settings_.expand = true;
  settings_.wildcards = (folder_ / "cards").string();
  settings_.lora_dir = (folder_ / "loras").string();
  settings_.batch.prompts.syntax = PromptSyntax::kWebUi;
  settings_.n_iter = 3;
  const ByPlace all = by_place(1);
  EXPECT_EQ(std::ssize(all) + failed_, 9);
  EXPECT_GT(failed_, 0);
  failed_ = 0;
  EXPECT_EQ(by_place(2), all);
}

TEST_F(ShardPlan, GoesOnWithoutALineThatFails) {
  write(plain_lines(6));
  settings_.n_iter = 1;
  Begun begun(settings_, model_);
  auto& [prompts, folder, jobs] = begun;
  jobs.start();
  const Error error(ErrorKind::kDevice, "no memory");
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_EQ(folder.failures(0), 0);  // it may be the machine
  jobs.done(*jobs.take());
  ASSERT_EQ(folder.failures(2), 1);  // it was the line
  EXPECT_EQ(failure_of(folder, 2)["reason"], "no memory");
  EXPECT_EQ(failure_of(folder, 2)["line"], 3);
  EXPECT_FALSE(jobs.take());
  EXPECT_EQ(jobs.pictures(), 3);
}

TEST_F(ShardPlan, EndsWhereEverythingFails) {
  write(plain_lines(30));
  Begun begun(settings_, model_);
  auto& [prompts, folder, jobs] = begun;
  jobs.start();
  const Error error(ErrorKind::kDevice, "the card is gone");
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_FALSE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "job/failed"));
  EXPECT_FALSE(jobs.go_on_without(*jobs.take(), Error(ErrorKind::kCancelled, "stopped")));
}

TEST_F(ShardPlan, GoesOnWithoutLinesWhoseAdaptersAreDamaged) {
  folder_.write("loras/bad.safetensors", "x");
  settings_.lora_dir = (folder_ / "loras").string();
  std::string lines = "prompt\n";
  for (int i = 0; i < 4; ++i) lines += "prompt --lora bad --steps " + std::to_string(i + 2) + "\n";
  write(lines);
  settings_.n_iter = 1;
  Begun begun(settings_, model_);
  auto& [prompts, folder, jobs] = begun;
  jobs.start();
  const Error error(ErrorKind::kCheckpoint, "bad.safetensors: it is damaged");
  const auto plain = jobs.take();
  ASSERT_EQ(plain->places, std::vector<int64_t>{0});
  for (int64_t place = 1; place < 5; ++place) {  // more in a row than may fail of the machine
    EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
    EXPECT_EQ(failure_of(folder, place)["line"], place + 1);
  }
  EXPECT_FALSE(jobs.go_on_without(*plain, error));  // it has none: it is the model
  EXPECT_EQ(jobs.failed_lines(), 4);
}

/// A tar that lacked them would count as done.
TEST_F(ShardPlan, EndsNoBlockWhileItMayBeTheMachineThatFails) {
  write(plain_lines(15));
  settings_.n_iter = 1;
  settings_.job.block = 1;  // five jobs, a block each
  Begun begun(settings_, model_);
  auto& [prompts, folder, jobs] = begun;
  std::vector<int64_t> ended;
  jobs.on_block_done([&](int64_t block) { ended.push_back(block); });
  jobs.start();
  const Error error(ErrorKind::kDevice, "no memory");
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_EQ(ended, std::vector<int64_t>());
  jobs.done(*jobs.take());  // it was the lines
  EXPECT_EQ(ended, (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(failure_of(folder, 5)["line"], 6);
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_TRUE(jobs.go_on_without(*jobs.take(), error));
  EXPECT_EQ(ended.size(), 3U);
  EXPECT_FALSE(jobs.take());  // none is left, and one was drawn
  EXPECT_EQ(ended, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(jobs.failed_lines(), 12);
}

TEST_F(ShardPlan, RefusesSettingsThatNoLineCanBeDrawnWith) {
  write("a\n");
  settings_.batch.steps = 0;
  expect_error(ErrorKind::kUsage, "steps", [&] { by_place(1); });
  EXPECT_FALSE(std::filesystem::exists(folder_ / "job"));
}

}  // namespace
}  // namespace sd::test
