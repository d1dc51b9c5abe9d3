#include "weights/weight_view.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"
#include "weights/audit.h"
#include "weights/name_maps/name_maps.h"

namespace sd {
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
  EXPECT_EQ(view.get("ids", {4}).sum().item<float>(), 6);
}

TEST(WeightView, EditsWeightsInOrderByTheirReferenceNames) {
  const auto file = in_memory();
  std::vector<std::string> edited;
  const PartSource source = {
      .file = file,
      .scope = "model.diffusion_model",
      .names = ema_name,
      .edits = {[&](std::string_view name, const at::Tensor& values) {
                  edited.emplace_back(name);
                  return values + 1;
                },
                [](std::string_view, const at::Tensor& values) { return values * 2; }}};
  EXPECT_FALSE(source.is_mapped());
  const WeightView view(source, WeightView::make_report("x", *file));
  EXPECT_TRUE(at::equal(view["out.0"].get("weight", {2}), at::full({2}, 12.0F)));
  EXPECT_EQ(edited, std::vector<std::string>({"model.diffusion_model.out.0.weight"}));
  EXPECT_TRUE(at::equal(file->tensor(*file->find("model_ema.diffusion_modelout0weight")),
                        at::full({2}, 5.0F)));
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
