#include "weights/weight_view.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <string>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"
#include "weights/audit.h"
#include "weights/name_maps/name_maps.h"

namespace sd {
using namespace weights;

namespace {

std::shared_ptr<const Checkpoint> in_memory() {
  return std::make_shared<const Checkpoint>(
      "memory", std::map<std::string, at::Tensor>{
                    {"model.diffusion_model.out.0.weight", at::ones({2})},
                    {"model_ema.diffusion_modelout0weight", at::full({2}, 5.0F)},
                    {"model_ema.decay", at::zeros({})},
                    {"a.half", at::full({3}, 0.5F).to(at::kHalf)},
                    {"a.transposed", at::arange(6, at::kFloat).view({2, 3}).t()},
                    {"a.ids", at::arange(4, at::kLong)}});
}

TEST(WeightView, LooksNamesUpByScope) {
  const WeightView root(in_memory());
  const at::Tensor weight = root["model"]["diffusion_model.out"][0].get("weight", {2});
  EXPECT_TRUE(at::equal(weight, at::ones({2})));
  EXPECT_EQ(root["a"]["b"].full_name("c"), "a.b.c");
  EXPECT_EQ(root.full_name("c"), "c");
  EXPECT_TRUE(root["a"].has("half"));
  EXPECT_FALSE(root["a"].has("hal"));
  EXPECT_EQ(root["a"].shape_of("half"), std::vector<int64_t>({3}));
  EXPECT_FALSE(root["a"].shape_of("none"));
}

TEST(WeightView, GivesContiguousFloats) {
  const WeightView view = WeightView(in_memory())["a"];
  const at::Tensor half = view.get("half", {3});
  EXPECT_EQ(half.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(half, at::full({3}, 0.5F)));
  EXPECT_TRUE(view.get("transposed", {3, 2}).is_contiguous());
}

TEST(WeightView, EditsWeightsInOrderByTheirReferenceNames) {
  const auto file = in_memory();
  std::vector<std::string> edited;
  const PartSource source = {
      .file = file,
      .scope = "model.diffusion_model",
      .names = ema_name,
      .edits = {{.touches = [](std::string_view name) { return name.ends_with("weight"); },
                 .apply =
                     [&](std::string_view name, const at::Tensor& values) {
                       edited.emplace_back(name);
                       return values + 1;
                     }},
                {.touches = [](std::string_view) { return true; },
                 .apply = [](std::string_view, const at::Tensor& values) { return values * 2; }}}};
  const WeightView view(source, WeightView::make_report("x", *file));
  EXPECT_TRUE(at::equal(view["out.0"].get("weight", {2}), at::full({2}, 12.0F)));
  EXPECT_EQ(edited, std::vector<std::string>({"model.diffusion_model.out.0.weight"}));
  EXPECT_TRUE(at::equal(file->tensor(*file->find("model_ema.diffusion_modelout0weight")),
                        at::full({2}, 5.0F)));
}

TEST(WeightView, EditsInFloat32WhateverTheTypeOfTheNetwork) {
  const auto file = in_memory();
  at::ScalarType seen = at::kByte;
  const PartSource source = {.file = file,
                             .edits = {{.touches = [](std::string_view) { return true; },
                                        .apply =
                                            [&](std::string_view, const at::Tensor& values) {
                                              seen = values.scalar_type();
                                              return values + 0.25F;
                                            }}}};
  const WeightView view(source, WeightView::make_report("x", *file));
  const at::Tensor half = view["a"].as(at::kBFloat16).get("half", {3});
  EXPECT_EQ(seen, at::kFloat);
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_EQ(half[0].item<float>(), 0.75F);
}

/// A source of that file whose "a.half" is changed or not.
PartSource shelved_source(const std::shared_ptr<const Checkpoint>& file,
                          const std::shared_ptr<WeightShelf>& shelf, bool edited) {
  PartSource source = {.file = file, .shelf = shelf};
  if (edited) {
    source.edits.push_back(
        {.touches = [](std::string_view name) { return name == "a.half" || name == "a.weight"; },
         .apply = [](std::string_view, const at::Tensor& values) { return values + 1; }});
  }
  return source;
}

TEST(WeightView, SharesWhatAnotherNetworkOfItsShelfHas) {
  const auto file = in_memory();
  const auto shelf = std::make_shared<WeightShelf>();
  const auto report = WeightView::make_report("x", *file);
  const WeightView plain(shelved_source(file, shelf, false), report);
  const WeightView edited(shelved_source(file, shelf, true), report);
  const at::Tensor half = plain["a"].get("half", {3});  // a copy in float32
  const at::Tensor turned = plain["a"].get("transposed", {3, 2});
  EXPECT_EQ(plain["a"].get("half", {3}).data_ptr(), half.data_ptr());
  EXPECT_EQ(edited["a"].get("transposed", {3, 2}).data_ptr(), turned.data_ptr());
  EXPECT_TRUE(at::equal(edited["a"].get("transposed", {3, 2}), turned));
  EXPECT_TRUE(at::equal(edited["a"].get("half", {3}), half + 1));
  EXPECT_TRUE(at::equal(half, at::full({3}, 0.5F)));
}

TEST(WeightView, MakesKernelsOfUnchangedLayersOnce) {
  const auto file = in_memory();
  const auto shelf = std::make_shared<WeightShelf>();
  const auto report = WeightView::make_report("x", *file);
  const WeightView plain(shelved_source(file, shelf, false), report);
  const WeightView edited(shelved_source(file, shelf, true), report);
  int made = 0;
  const auto make = [&] { return std::make_shared<const int>(++made); };
  const auto of_b = plain["b"].shared<int>(make);
  EXPECT_EQ(edited["b"].shared<int>(make), of_b);
  EXPECT_NE(edited["a"].shared<int>(make), plain["a"].shared<int>(make));
  EXPECT_EQ(made, 3);
}

TEST(WeightView, KeepsNothingAliveOnAShelf) {
  const auto file = in_memory();
  const auto shelf = std::make_shared<WeightShelf>();
  const WeightView view(shelved_source(file, shelf, false), WeightView::make_report("x", *file));
  int made = 0;
  const auto make = [&] { return std::make_shared<const int>(++made); };
  EXPECT_EQ(*view["b"].shared<int>(make), 1);
  EXPECT_EQ(*view["b"].shared<int>(make), 2);
  view["a"].get("half", {3});
  const at::TensorOptions options(at::kFloat);
  EXPECT_FALSE(shelf->find_tensor({"a.half", options.device(at::kCPU)}));
}

TEST(WeightView, TakesALinearMapForAConvolution) {
  const WeightView view = WeightView(in_memory())["a"];
  EXPECT_EQ(view.get("transposed", {3, 2, 1, 1}).sizes(), at::IntArrayRef({3, 2, 1, 1}));
  EXPECT_FALSE(view.report().failed());
  view.get("transposed", {3, 1, 2});
  EXPECT_TRUE(view.report().failed());
}

TEST(WeightView, TellsWhatWasAskedForByReferenceNames) {
  const auto file = in_memory();
  const auto report = WeightView::make_report("x", *file);
  const WeightView view({.file = file, .scope = "model", .names = ema_name}, report);
  view["diffusion_model.out.0"].get("weight", {2});
  view.get("none", {3});
  ASSERT_EQ(report->asked().size(), 2U);
  EXPECT_EQ(report->asked()[0].first, "model.diffusion_model.out.0.weight");
  ASSERT_EQ(report->missing().size(), 1U);
  EXPECT_EQ(report->missing()[0].first, "model_ema.none");
}

TEST(WeightView, SharesTheMappedPages) {
  const test::TempFile file(test::SmallCheckpoint().as_zip());
  const WeightView root(open_checkpoint(file.path()));
  EXPECT_EQ(root.get("a.weight", {2, 3}).data_ptr(), root.get("a.weight", {2, 3}).data_ptr());
}

/// Kilobytes of a file's mapping that are in this process's memory.
int64_t resident_kb(const std::string& path) {
  std::ifstream maps("/proc/self/smaps");
  int64_t sum = 0;
  bool of_file = false;
  for (std::string line; std::getline(maps, line);) {
    // A mapping's first line begins with its addresses, the others with words.
    if (std::isupper(static_cast<unsigned char>(line[0])) == 0) of_file = line.ends_with(path);
    if (of_file && line.starts_with("Rss:")) sum += std::stoll(line.substr(4));
  }
  return sum;
}

TEST(WeightView, TakesTheFilesPagesOutOfMemoryOnceAWeightIsEdited) {
  constexpr int64_t kValues = int64_t{1} << 18;
  const test::TempFile file(test::safetensors_file(
      R"({"a.weight":{"dtype":"F32","shape":[262144],"data_offsets":[0,1048576]}})",
      std::string(kValues * sizeof(float), '\0')));
  const auto checkpoint = open_checkpoint(file.path());
  const auto report = WeightView::make_report(file.path(), *checkpoint);
  const WeightView plain({.file = checkpoint}, report);
  EXPECT_EQ(plain.get("a.weight", {kValues}).sum().item<float>(), 0);
  ASSERT_GT(resident_kb(file.path()), 1000);
  const WeightView edited(
      {.file = checkpoint,
       .edits = {{.touches = [](std::string_view) { return true; },
                  .apply = [](std::string_view, const at::Tensor& values) { return values + 1; }}}},
      report);
  EXPECT_EQ(edited.get("a.weight", {kValues}).sum().item<float>(), kValues);
  EXPECT_LT(resident_kb(file.path()), 100);
}

TEST(WeightView, TakesAveragedWeightsByTheTrainersNames) {
  const auto file = in_memory();
  const WeightView root({.file = file, .names = ema_name}, WeightView::make_report("x", *file));
  const WeightView out = root["model.diffusion_model.out.0"];
  EXPECT_EQ(out.full_name("weight"), "model_ema.diffusion_modelout0weight");
  EXPECT_EQ(out.get("weight", {2}).sum().item<float>(), 10);
  EXPECT_EQ(root["a"].full_name("half"), "a.half");  // other parts have no averages
}

TEST(WeightView, CollectsEveryProblem) {
  const WeightView root(in_memory());
  const at::Tensor missing = root["b"].get("gone", {4, 1000000, 1000000});
  EXPECT_EQ(missing.sizes(), at::IntArrayRef({4, 1000000, 1000000}));
  EXPECT_EQ(missing.storage().nbytes(), sizeof(float));  // no memory of its size
  root["a"].get("half", {2});
  EXPECT_FALSE(root["b"].get_optional("gone", {1}));
  EXPECT_TRUE(root.report().failed());
  const auto finish = [&] { root.report().throw_if_failed(); };
  test::expect_error(ErrorKind::kCheckpoint, "memory: 1 missing and 1 misshapen", finish);
  test::expect_error(ErrorKind::kCheckpoint, "b.gone expected [4, 1000000, 1000000], found none",
                     finish);
  test::expect_error(ErrorKind::kCheckpoint, "a.half expected [2], found [3]", finish);
}

TEST(WeightView, RefusesTheNumbersOfAQuantisedModel) {
  const WeightView root(std::make_shared<const Checkpoint>(
      "memory", std::map<std::string, at::Tensor>{{"a.weight", at::ones({2}, at::kChar)},
                                                  {"b.weight", at::ones({2})},
                                                  {"b.scale_weight", at::ones({})},
                                                  {"c.weight", at::ones({2})}}));
  for (const char* layer : {"a", "b", "c"}) root[layer].get("weight", {2});
  const auto finish = [&] { root.report().throw_if_failed(); };
  test::expect_error(ErrorKind::kCheckpoint, "a.weight expected plain numbers, found whole",
                     finish);
  test::expect_error(ErrorKind::kCheckpoint, "b.weight expected plain numbers, found numbers of a",
                     finish);
  test::expect_error(ErrorKind::kCheckpoint, "2 that cannot be read", finish);
}

/// What is said of a model that lacks 50 weights and has `there` others.
Error error_of_missing(int there) {
  const WeightView root(in_memory());
  for (int i = 0; i < there; ++i) root["a"].get("half", {3});
  for (int i = 0; i < 50; ++i) root.get("missing" + std::to_string(i), {1});
  try {
    root.report().throw_if_failed();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::kInternal, "expected an error");
}

TEST(WeightView, NamesAFewInOneLineAndAllInTheDetails) {
  const Error error = error_of_missing(60);
  const std::string message = error.what();
  EXPECT_NE(message.find("missing2 expected [1], found none; and 47 more"), std::string::npos);
  ASSERT_EQ(error.details().size(), 50U);
  EXPECT_NE(error.details()[49].find("missing49 expected [1]"), std::string::npos);
}

TEST(WeightView, GivesNoDetailsWhereMostIsMissing) {
  const Error error = error_of_missing(10);
  const std::string message = error.what();
  EXPECT_NE(message.find("and 47 more, which -v names"), std::string::npos) << message;
  EXPECT_TRUE(error.details().empty());
}

TEST(Audit, FindsWhatNoModelTook) {
  const WeightView root(in_memory());
  root["a"].get("half", {3});
  root["model.diffusion_model.out.0"].get("weight", {2});
  const auto extra = extra_tensors(root.checkpoint(), root.report(), {"model_ema."});
  EXPECT_EQ(extra, std::vector<std::string>({"a.ids", "a.transposed"}));
}

}  // namespace
}  // namespace sd
