// From the lines of a prompt file to batches: what is drawn together, in which places, from which
// seeds, and what becomes of bad lines.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "cli/prompt_lines.h"
#include "job/batch_plan.h"
#include "job/lora_text.h"
#include "job/workload.h"
#include "support/expect_error.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using Places = std::vector<int64_t>;
using Seeds = std::vector<uint64_t>;

/// Plans a prompt file of these bytes.
class LinePlan : public ::testing::Test {
 protected:
  BatchPlan plan(const std::string& lines) {
    options_.from_file = folder_.write("prompts.txt", lines).string();
    return plan_batches(options_, ModelDescription(), /*built_in_model=*/false,
                        read_prompt_lines(options_));
  }
  /// The same, and what it prints.
  BatchPlan plan_and_listen(const std::string& lines) {
    ::testing::internal::CaptureStderr();
    BatchPlan all = plan(lines);
    said_ = ::testing::internal::GetCapturedStderr();
    return all;
  }

  TempFolder folder_;
  Settings options_{Script::kTxt2Img};
  std::string said_;
};

/// The places of all batches, each of which must have a prompt.
std::vector<Places> places_of(const BatchPlan& plan) {
  std::vector<Places> places;
  for (const PlannedBatch& batch : plan.batches) {
    EXPECT_EQ(batch.places.size(), batch.request.pictures.size());
    places.push_back(batch.places);
  }
  return places;
}

TEST_F(LinePlan, ExpandsTheTextsOfASecondPassAsThoseOfTheFirst) {
  options_.expand = true;
  options_.batch.hires.scale = 2;
  const std::string colours = "{red|green|blue|white|black}";
  const BatchPlan all =
      plan("a " + colours + " --negative-prompt '" + colours + "' --hires-prompt 'a " + colours +
           "' --hires-negative-prompt '" + colours + "'\nb\n");
  const auto& pictures = all.batches.at(0).request.pictures;
  const PictureSettings drawn = request_of(all.batches.at(0), 0).pictures.at(0);
  EXPECT_EQ(drawn.prompt.find('{'), std::string::npos);
  EXPECT_EQ(drawn.hires_prompt, drawn.prompt);
  EXPECT_EQ(drawn.hires_negative_prompt, drawn.negative_prompt);
  EXPECT_EQ(drawn.hires_negative_prompt.find('{'), std::string::npos);
  EXPECT_EQ(pictures.size(), 2U);
  EXPECT_EQ(request_of(all.batches.at(0), 0).pictures.at(1).hires_prompt, "");
}

TEST_F(LinePlan, TakesTheAdaptersOfWhatATemplateBecomes) {
  folder_.write("loras/a.safetensors", "x");
  folder_.write("loras/b.safetensors", "x");
  folder_.write("cards/one.txt", "<lora:b:0.5>\n");
  options_.expand = true;
  options_.n_iter = 8;
  options_.lora_dir = (folder_ / "loras").string();
  options_.wildcards = (folder_ / "cards").string();
  options_.batch.prompts.syntax = PromptSyntax::kWebUi;
  const BatchPlan all =
      plan("x {<lora:a:1>|<lora:b:1>}\nx <lora:{a|b}:1>\n__one__\nplain\nplain\n");
  EXPECT_EQ(places_of(all), (std::vector<Places>{{0}, {1}, {2}, {3, 4}}));
  std::set<std::string> names;
  for (const PlannedBatch& batch : all.batches) {
    for (int64_t pass = 0; pass < 8; ++pass) {
      const Request request = request_of(batch, pass);
      const bool named = request.pictures[0].prompt.find("<lora:") != std::string::npos;
      ASSERT_EQ(request.batch.loras.size(), named ? 1U : 0U);
      if (!named) continue;
      const std::string file = request.batch.loras[0].file;
      names.insert(lora_name(file));
      EXPECT_NE(request.pictures[0].prompt.find("<lora:" + lora_name(file)), std::string::npos);
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(lora_sets(all.batches).size(), 3U);  // of all passes
  expect_error(ErrorKind::kFile, "there is no adapter c", [&] { plan("x <lora:{c|c}:1>"); });
}

TEST_F(LinePlan, TakesTheAdaptersOfEachPassesOwnPrompt) {
  folder_.write("loras/a.safetensors", "x");
  folder_.write("loras/b.safetensors", "x");
  options_.lora_dir = (folder_ / "loras").string();
  options_.batch.prompts.syntax = PromptSyntax::kWebUi;
  options_.batch.hires.scale = 2;
  options_.batch.sampler = "euler";
  const std::string lines =
      "x <lora:a:1> --hires-prompt 'y <lora:b:0.5>'\n"
      "x <lora:a:1> --hires-prompt y\n"
      "x <lora:a:1> --hires-prompt 'y <lora:a:1>'\n"
      "x <lora:a:1>\n"
      "x --lora a --hires-prompt 'y <lora:b:1>'\n";
  for (const bool expand : {false, true}) {
    options_.expand = expand;
    const BatchPlan all = plan(lines);
    std::map<int64_t, std::vector<LoraUse>> second;  // by place, where there are others
    for (const PlannedBatch& batch : all.batches) {
      const BatchSettings& settings = request_of(batch, 0).batch;
      if (settings.hires.loras) second[batch.places.front()] = *settings.hires.loras;
    }
    ASSERT_EQ(second.size(), 3U) << expand;
    EXPECT_EQ(lora_name(second.at(0).at(0).file), "b");
    EXPECT_TRUE(second.at(1).empty());
    ASSERT_EQ(second.at(4).size(), 2U);  // those of flags are of both passes
    EXPECT_EQ(lora_name(second.at(4)[0].file), "a");
    EXPECT_EQ(lora_sets(all.batches).size(), 4U);
  }
  expect_error(ErrorKind::kFile, "there is no adapter c",
               [&] { plan("x --hires-prompt 'y <lora:c:1>'"); });
}

TEST_F(LinePlan, SaysOnceWhatAPromptAsksForInVain) {
  options_.batch.prompts.syntax = PromptSyntax::kWebUi;
  plan_and_listen("a <foo:x:1>\nb <foo:x:2>\nc <hypernet:y>\nd\n");
  for (const char* line : {"left out of a prompt, <foo:x>: foo is not a kind of network",
                           "left out of a prompt, <hypernet:y>: hypernetworks are not supported"}) {
    const size_t at = said_.find(line);
    ASSERT_NE(at, std::string::npos) << said_;
    EXPECT_EQ(said_.find(line, at + 1), std::string::npos) << said_;
  }
  options_.batch.prompts.syntax = PromptSyntax::kPlain;
  plan_and_listen("a <foo:x:1>\n");
  EXPECT_EQ(said_.find("left out"), std::string::npos) << said_;
}

TEST_F(LinePlan, TakesSidesOfWholeLatentsInTheWebUisSyntax) {
  options_.batch.prompts.syntax = PromptSyntax::kWebUi;
  EXPECT_EQ(plan("a --W 72 --H 136").batches.at(0).request.batch.width, 72);
  expect_error(ErrorKind::kUsage, "multiple of 8", [&] { plan("a --W 65"); });
  options_.batch.prompts.syntax = PromptSyntax::kPlain;
  expect_error(ErrorKind::kUsage, "multiple of 64", [&] { plan("a --W 72"); });
}

TEST_F(LinePlan, DrawsEqualShapesTogetherAcrossTheFile) {
  options_.n_samples = 2;
  const BatchPlan all = plan("a\nb --W 64\nc\nd --W 64 --scale 3\ne\nf --W 64");
  EXPECT_EQ(places_of(all), (std::vector<Places>{{0, 2}, {1, 3}, {4}, {5}}));
  EXPECT_EQ(all.batches[0].request.pictures[1].prompt, "c");
  EXPECT_EQ(all.batches[1].request.batch.width, 64);
  EXPECT_EQ(all.batches[1].request.pictures[0].scale, 7.5);
  EXPECT_EQ(all.batches[1].request.pictures[1].scale, 3);  // a scale is a row's own …
  EXPECT_EQ(all.pictures_per_pass, 6);
  for (const PlannedBatch& batch : all.batches) EXPECT_EQ(batch.request.noise.rows, 2);
}

TEST_F(LinePlan, KeepsApartWhatCannotBeDrawnAtOnce) {
  options_.n_samples = 4;
  const std::string apart[] = {"",          "--W 64",          "--H 64",       "--plms",
                               "--scale 1", "--ddim_steps 20", "--ddim_eta 1", "--dpm_solver",
                               "--seed 5",  "--seed 5 --H 128"};
  std::string lines;
  for (int round = 0; round < 2; ++round) {
    for (const std::string& flags : apart) lines += "x " + flags + "\n";
  }
  const BatchPlan all = plan(lines);
  ASSERT_EQ(all.batches.size(), std::size(apart));
  for (size_t i = 0; i < all.batches.size(); ++i) {
    const auto place = static_cast<int64_t>(i);
    EXPECT_EQ(all.batches[i].places, Places({place, place + 10})) << apart[i];
  }
}

TEST_F(LinePlan, FillsBatchesOfAnySize) {
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += "x\n";
  for (const int64_t samples : {1, 2, 3, 4, 10, 11}) {
    options_.n_samples = samples;
    const BatchPlan all = plan(lines);
    EXPECT_EQ(static_cast<int64_t>(all.batches.size()), (10 + samples - 1) / samples);
    Places seen;
    for (const Places& places : places_of(all)) {
      EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
      EXPECT_LE(static_cast<int64_t>(places.size()), samples);
      seen.insert(seen.end(), places.begin(), places.end());
    }
    EXPECT_EQ(seen, Places({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

TEST_F(LinePlan, NumbersSeedsByPlaceAndGoesOnFromPassToPass) {
  options_.n_samples = 2;
  options_.n_iter = 3;
  options_.seed = 100;
  options_.seed_mode = SeedMode::kImage;
  const BatchPlan all = plan("a\nb --W 64\nc --seed 7\nd --W 64\n");
  EXPECT_EQ(places_of(all), (std::vector<Places>{{0, 2}, {1, 3}}));
  EXPECT_EQ(request_of(all.batches[0], 0).noise.seeds, Seeds({100, 7}));
  EXPECT_EQ(request_of(all.batches[1], 0).noise.seeds, Seeds({101, 103}));
  EXPECT_EQ(request_of(all.batches[0], 2).noise.seeds,
            Seeds({108, 9}));  // + 4 a pass; a line's own + 1
  EXPECT_EQ(request_of(all.batches[1], 2).noise.seeds, Seeds({109, 111}));
  EXPECT_EQ(all.pictures(), 12);
  for (const PlannedBatch& batch : all.batches) EXPECT_EQ(batch.request.noise.rows, 0);
}

TEST_F(LinePlan, GivesTheSameSeedsWhateverTheBatch) {
  options_.seed = UINT64_MAX;  // and round the end
  options_.seed_mode = SeedMode::kImage;
  for (const int64_t samples : {1, 2, 3, 4}) {
    options_.n_samples = samples;
    const BatchPlan all = plan("a\nb\nc\nd\ne");
    for (int64_t pass = 0; pass < 2; ++pass) {
      for (const PlannedBatch& batch : all.batches) {
        const Seeds seeds = request_of(batch, pass).noise.seeds;
        ASSERT_EQ(seeds.size(), batch.places.size());
        for (size_t i = 0; i < seeds.size(); ++i) {
          const auto number = static_cast<uint64_t>(pass * 5 + batch.places[i]);
          EXPECT_EQ(seeds[i], UINT64_MAX + number) << samples;
        }
      }
    }
  }
}

TEST_F(LinePlan, LeavesSeedsToTheStreamWhereNoneIsAsked) {
  options_.n_samples = 2;
  const BatchPlan all = plan("a\nb --seed 5\nc");
  EXPECT_EQ(places_of(all), (std::vector<Places>{{0, 2}, {1}}));
  EXPECT_TRUE(all.batches[0].request.noise.shared());
  EXPECT_EQ(all.batches[1].request.noise.seeds, Seeds({5}));
  EXPECT_EQ(all.batches[1].request.noise.rows, 0);
}

TEST_F(LinePlan, TakesTheSamplerOfALineInPlaceOfTheReferencesFlags) {
  options_.plms = true;
  const BatchPlan all = plan("a\nb --sampler ddim\nc --sampler euler");
  ASSERT_EQ(all.batches.size(), 3U);
  EXPECT_EQ(all.batches[0].request.batch.sampler, "plms");
  EXPECT_EQ(all.batches[1].request.batch.sampler, "ddim");
  EXPECT_EQ(all.batches[2].request.batch.sampler, "euler");
}

TEST_F(LinePlan, RefusesNumbersOutsideTheirLimitsThatMayBeLeftOut) {
  for (const char* blur : {"1e9", "-1", "nan"}) {
    options_.batch.init.mask.blur = std::strtod(blur, nullptr);
    expect_error(ErrorKind::kUsage, "`mask_blur` must be from 0 to 512", [&] { plan("a"); });
  }
}

TEST_F(LinePlan, FixedCodeDoesNotGoWithSeedsOfTheirOwn) {
  options_.fixed_code = true;
  EXPECT_TRUE(plan("a\nb").batches[0].request.noise.fixed_code);
  options_.seed_mode = SeedMode::kImage;
  expect_error(ErrorKind::kUsage, "`fixed_code` does not go with `seed_mode` image",
               [&] { plan("a\nb"); });
}

TEST_F(LinePlan, NamesTheFirstBadLine) {
  expect_error(ErrorKind::kUsage, "line 2 of ", [&] { plan("a\nb --no-such\nc --no-such"); });
  expect_error(ErrorKind::kUsage, "line 3 of ", [&] { plan("a\nb\nc --W 65"); });
  expect_error(ErrorKind::kUsage, "`width` must be a multiple", [&] { plan("a\nb\nc --W 65"); });
  expect_error(ErrorKind::kUsage, "line 1 of ", [&] { plan("a --plms --ddim_eta 1"); });
  expect_error(ErrorKind::kUsage, "line 2 of ", [&] { plan("a\nb\xff"); });
}

TEST_F(LinePlan, KeepsGoingWithoutTheBadLines) {
  options_.keep_going = true;
  options_.n_samples = 2;
  const BatchPlan all =
      plan_and_listen("a\nb --no-such\nc --W 65\nd\ne\xff\nf --scale nan\ng --ddim_steps 0");
  EXPECT_EQ(places_of(all), (std::vector<Places>{{0, 1}}));
  EXPECT_EQ(all.batches[0].request.pictures[1].prompt, "d");
  EXPECT_EQ(all.bad_lines, 5);
  EXPECT_EQ(std::count(said_.begin(), said_.end(), '\n'), 5) << said_;
  for (const char* part : {"line 2 of ", "line 3 of ", "line 5 of ", "line 6 of ", "line 7 of "}) {
    EXPECT_NE(said_.find(part), std::string::npos) << said_;
  }
}

TEST_F(LinePlan, DoesNotKeepGoingWithNothing) {
  options_.keep_going = true;
  ::testing::internal::CaptureStderr();
  expect_error(ErrorKind::kUsage, "can be drawn", [&] { plan("a --no-such\nb --W 1"); });
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("line 2 of "), std::string::npos);
  expect_error(ErrorKind::kUsage, "has no lines", [&] { plan(""); });
}

TEST_F(LinePlan, PutsManyLinesIntoBatchesQuickly) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "x --W " + std::to_string(64 * (1 + i % 50)) + "\n";
  options_.n_samples = 4;
  const BatchPlan all = plan(lines);
  EXPECT_EQ(all.pictures_per_pass, 5000);
  EXPECT_EQ(all.batches.size(), 1250U);
}

TEST(WatermarkFlag, MustBeATextThatARecordCanHold) {
  Settings options(Script::kTxt2Img);
  options.watermark = "";
  expect_error(ErrorKind::kUsage, "`watermark` must have a text",
               [&] { plan_batches(options, ModelDescription(), false); });
  options.watermark = "caf\xe9";
  expect_error(ErrorKind::kUsage, "`watermark` must be UTF-8",
               [&] { plan_batches(options, ModelDescription(), false); });
}

}  // namespace
}  // namespace sd::test
