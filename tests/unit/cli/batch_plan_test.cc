// From flags to batches: prompt files, sizes, counts, and what is refused before anything is read.

#include "job/batch_plan.h"

#include <gtest/gtest.h>

#include <limits>

#include "cli/prompt_lines.h"
#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using Lines = std::vector<std::string>;

BatchPlan plan(const Settings& options) {
  return plan_batches(options, ModelDescription(), /*built_in_model=*/false,
                      read_prompt_lines(options));
}

Lines prompts_of(const Request& request) {
  Lines prompts;
  for (const PictureSettings& picture : request.pictures) prompts.push_back(picture.prompt);
  return prompts;
}

/// What the planning prints.
std::string said_by(const Settings& options) {
  ::testing::internal::CaptureStderr();
  plan(options);
  return ::testing::internal::GetCapturedStderr();
}

/// Planning must fail with a message that holds `part`.
void expect_refused(const Settings& options, const std::string& part) {
  expect_error(ErrorKind::kUsage, part, [&] { plan(options); });
}

/// The hint that goes with the refusal.
std::string hint_for(const Settings& options) {
  try {
    plan(options);
  } catch (const Error& error) {
    return error.hint();
  }
  return "not refused";
}

TEST(SplitLines, SplitsAsPythonDoes) {
  EXPECT_EQ(split_lines(""), Lines());
  EXPECT_EQ(split_lines("a"), Lines({"a"}));
  EXPECT_EQ(split_lines("a\n"), Lines({"a"}));
  EXPECT_EQ(split_lines("a\nb"), Lines({"a", "b"}));
  EXPECT_EQ(split_lines("\n"), Lines({""}));
  EXPECT_EQ(split_lines("a\n\n\nb\n\n"), Lines({"a", "", "", "b", ""}));
  EXPECT_EQ(split_lines("a\r\nb\rc\n\rd"), Lines({"a", "b", "c", "", "d"}));
  EXPECT_EQ(split_lines("a\r\n"), Lines({"a"}));
  EXPECT_EQ(split_lines("1\v2\f3\x1c"
                        "4\x1d"
                        "5\x1e"
                        "6\x1f"
                        "7"),
            Lines({"1", "2", "3", "4", "5",
                   "6\x1f"
                   "7"}));
  EXPECT_EQ(split_lines("a\u0085b\u2028c\u2029d"), Lines({"a", "b", "c", "d"}));
  EXPECT_EQ(split_lines("a\u00a0b\u2027c"), Lines({"a\u00a0b\u2027c"}));
}

TEST(SplitLines, LeavesAByteOrderMarkOut) {
  EXPECT_EQ(split_lines("\ufeffa\nb"), Lines({"a", "b"}));
  EXPECT_EQ(split_lines("\ufeff"), Lines());
  EXPECT_EQ(split_lines("a\n\ufeffb"), Lines({"a", "\ufeffb"}));
}

TEST(SplitLines, KeepsBytesThatAreNoLineBreak) {
  const std::string zero("a\0b", 3);
  EXPECT_EQ(split_lines(zero + "\nc"), Lines({zero, "c"}));
  EXPECT_EQ(split_lines("\xc2"), Lines({"\xc2"}));
  EXPECT_EQ(split_lines("\xe2\x80"), Lines({"\xe2\x80"}));
}

TEST(PlanBatches, GivesTheReferencesDefaults) {
  const BatchPlan all = plan(Settings(Script::kTxt2Img));
  ASSERT_EQ(all.batches.size(), 1U);
  EXPECT_EQ(all.passes, 2);
  EXPECT_EQ(all.pictures(), 6);
  const Request& batch = all.batches[0].request;
  EXPECT_EQ(prompts_of(batch), Lines(3, "a painting of a virus monster playing guitar"));
  EXPECT_EQ(batch.pictures[0].negative_prompt, "");
  EXPECT_EQ(batch.batch.width, 512);
  EXPECT_EQ(batch.batch.height, 512);
  EXPECT_EQ(batch.batch.sampler, "ddim");
  EXPECT_EQ(batch.batch.steps, 50);
  EXPECT_EQ(batch.batch.knobs.eta, 0);
  EXPECT_EQ(batch.pictures[0].scale, 7.5);
  EXPECT_EQ(batch.noise.rows, 3);
}

TEST(PlanBatches, CutsAPromptFileIntoBatches) {
  const TempFolder folder;
  Settings options(Script::kTxt2Img);
  options.n_samples = 2;
  options.n_iter = 3;
  options.from_file = folder.write("prompts.txt", "one\n\nthree\r\nfour\nfive\n").string();
  const BatchPlan all = plan(options);
  ASSERT_EQ(all.batches.size(), 3U);
  EXPECT_EQ(prompts_of(all.batches[0].request), Lines({"one", ""}));
  EXPECT_EQ(prompts_of(all.batches[1].request), Lines({"three", "four"}));
  EXPECT_EQ(prompts_of(all.batches[2].request), Lines({"five"}));
  for (const PlannedBatch& batch : all.batches) EXPECT_EQ(batch.request.noise.rows, 2);
  EXPECT_EQ(all.pictures(), 15);
}

TEST(PlanBatches, RefusesPromptFilesThatCannotBeUsed) {
  const TempFolder folder;
  Settings options(Script::kTxt2Img);
  options.from_file = folder.write("empty.txt", "").string();
  expect_refused(options, "has no lines");
  options.from_file = folder
                          .write("bad.txt",
                                 "good\nalso good\nb\xff"
                                 "d\n")
                          .string();
  expect_refused(options, "line 3 of ");
  options.from_file = (folder / "absent.txt").string();
  expect_error(ErrorKind::kFile, "absent.txt cannot be read", [&] { plan(options); });
  options.from_file = folder.path().string();
  expect_error(ErrorKind::kFile, "cannot be read", [&] { plan(options); });
}

TEST(PlanBatches, RefusesAPromptThatIsNotUtf8) {
  Settings options(Script::kTxt2Img);
  options.picture.prompt = "caf\xe9";
  expect_refused(options, "UTF-8");
}

TEST(PlanBatches, NamesTheNearestSizes) {
  Settings options(Script::kTxt2Img);
  options.H = 100;
  expect_refused(options, "`height` must be a multiple of 64 from 64 to 16384, found 100");
  EXPECT_EQ(hint_for(options), "nearest: 64 and 128");
  options.H = 512;
  options.W = 513;
  expect_refused(options, "`width` must be");
  EXPECT_EQ(hint_for(options), "nearest: 512 and 576");
  for (const int64_t side : {int64_t{0}, int64_t{-64}, int64_t{1}, INT64_MIN}) {
    options.W = side;
    EXPECT_EQ(hint_for(options), "nearest: 64") << side;
  }
  for (const int64_t side : {int64_t{16448}, INT64_MAX}) {
    options.W = side;
    EXPECT_EQ(hint_for(options), "nearest: 16384") << side;
  }
}

TEST(PlanBatches, TakesTheSizesThatTheModelCanDraw) {
  Settings options(Script::kTxt2Img);
  options.H = 64;
  options.W = 16384;
  EXPECT_EQ(plan(options).batches[0].request.batch.height, 64);
  EXPECT_EQ(plan(options).batches[0].request.batch.width, 16384);
  ModelDescription deeper;
  deeper.size_multiple = 128;
  expect_error(ErrorKind::kUsage, "a multiple of 128",
               [&] { plan_batches(options, deeper, false); });
}

TEST(PlanBatches, DrawsTheBuiltInModelAtItsOwnSize) {
  ModelDescription small;
  small.native_size = 128;
  EXPECT_EQ(plan_batches(Settings(Script::kTxt2Img), small, true).batches[0].request.batch.width,
            128);
  EXPECT_EQ(plan_batches(Settings(Script::kTxt2Img), small, false).batches[0].request.batch.width,
            512);
  Settings options(Script::kTxt2Img);
  options.W = 192;
  EXPECT_EQ(plan_batches(options, small, true).batches[0].request.batch.width, 192);
  EXPECT_EQ(plan_batches(options, small, true).batches[0].request.batch.height, 128);
}

TEST(PlanBatches, TakesAnotherDownsamplingFactorAsTheReferenceDoes) {
  Settings options(
      Script::kTxt2Img);  // the latent is H/f high, and the model makes 8 pixels of each value
  options.f = 4;
  options.H = 256;
  options.W = 96;
  EXPECT_EQ(plan(options).batches[0].request.batch.height, 512);
  EXPECT_EQ(plan(options).batches[0].request.batch.width, 192);
  options.W = 100;
  expect_refused(options, "`width` must be a multiple of 32");
  options.f = 0;
  expect_refused(options, "`factor` must be from 1");
}

TEST(PlanBatches, RefusesCountsOutOfRange) {
  for (const int64_t count : {int64_t{0}, int64_t{-1}, INT64_MAX}) {
    Settings options(Script::kTxt2Img);
    options.n_samples = count;
    expect_refused(options, "`n_samples` must be from 1");
    options = Settings(Script::kTxt2Img);
    options.n_iter = count;
    expect_refused(options, "`n_iter` must be from 1");
    options = Settings(Script::kTxt2Img);
    options.C = count;
    expect_refused(options, "`channels` must be 4");
    for (const bool dpm_solver : {false, true}) {
      options = Settings(Script::kTxt2Img);
      options.dpm_solver = dpm_solver;
      options.batch.steps = count;
      expect_refused(options, "`steps` must be");
    }
  }
  Settings options(Script::kTxt2Img);
  options.n_rows = -1;
  expect_refused(options, "`n_rows`");
}

TEST(PlanBatches, RefusesNumbersThatAreNone) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL, -HUGE_VAL}) {
    Settings options(Script::kTxt2Img);
    options.picture.scale = value;
    expect_refused(options, "`scale`");
    options = Settings(Script::kTxt2Img);
    options.batch.knobs.eta = value;
    expect_refused(options, "`eta`");
  }
}

TEST(PlanBatches, ChoosesTheSamplerAsTheReferenceDoes) {
  Settings options(Script::kTxt2Img);
  options.plms = true;
  EXPECT_EQ(plan(options).batches[0].request.batch.sampler, "plms");
  options.batch.knobs.eta = 0.5;
  expect_refused(options, "`eta` must be 0 with the sampler plms, found 0.5");
  options.dpm_solver = true;  // wins, and knows no eta
  EXPECT_EQ(plan(options).batches[0].request.batch.sampler, "dpm_solver");
  EXPECT_EQ(plan(options).batches[0].request.batch.knobs.eta, 0);
  const std::string said = said_by(options);
  EXPECT_NE(said.find("`dpm_solver` overrides `plms`"), std::string::npos) << said;
  EXPECT_NE(said.find("the sampler dpm_solver ignores `eta`"), std::string::npos) << said;
}

TEST(PlanBatches, SaysWhichFoldersAreNotUsed) {
  Settings options(Script::kTxt2Img);
  options.embeddings = options.wildcards = "words";
  const std::string said = said_by(options);
  EXPECT_NE(said.find("`embeddings` is not used"), std::string::npos) << said;
  EXPECT_NE(said.find("`wildcards` is not used without `expand`"), std::string::npos) << said;
  options.batch.prompts.syntax = PromptSyntax::kWebUi;
  options.expand = true;
  EXPECT_EQ(said_by(options), "");
}

TEST(PlanBatches, RefusesAnEtaThatTheScheduleCannotTake) {
  Settings options(Script::kTxt2Img);
  options.batch.knobs.eta = 1;
  EXPECT_EQ(plan(options).batches[0].request.batch.knobs.eta, 1);
  options.batch.knobs.eta = 3;
  expect_refused(options, "`eta` 3 is too large for 50 steps");
}

TEST(PlanBatches, SaysWhereTheStepsAreNotWhatTheyReadAs) {
  Settings options(Script::kTxt2Img);
  EXPECT_EQ(said_by(options), "");
  options.batch.steps = 30;
  EXPECT_NE(said_by(options).find("31 steps"), std::string::npos);
  options.batch.steps = 27;
  EXPECT_NE(said_by(options).find("1000, is taken as 999"), std::string::npos);
  options.dpm_solver = true;
  EXPECT_EQ(said_by(options), "");
}

}  // namespace
}  // namespace sd::test
