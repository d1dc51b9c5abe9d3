// The reference's own small checkpoints.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/golden_tensor.h"
#include "weights/name_maps/name_maps.h"
#include "weights/weight_view.h"

namespace sd {
using namespace weights;

namespace {

std::shared_ptr<const Checkpoint> open_reference(const std::string& name) {
  return open_checkpoint((test::reference_dir() / "ckpt" / name).string());
}

/// An independent reader's values as a tensor.
at::Tensor golden_tensor(const test::GoldenTensors& goldens, const std::string& name) {
  if (goldens.dtype(name) == "I64") {
    return tensor_of(goldens.i64(name));
  }
  return tensor_of(goldens.f32(name));
}

TEST(ReferenceCheckpoints, HoldTheSameWeightsInEveryFormat) {
  SD_NEEDS_REFERENCE();
  const auto zip = open_reference("sd-tiny.ckpt");
  const auto safe = open_reference("sd-tiny.safetensors");
  const test::GoldenTensors goldens(test::reference_dir() / "ckpt/sd-tiny.safetensors");
  ASSERT_EQ(zip->index().size(), goldens.names().size());
  ASSERT_EQ(safe->index().size(), goldens.names().size());
  for (const std::string& name : goldens.names()) {
    const at::Tensor expected = golden_tensor(goldens, name);
    ASSERT_NE(zip->find(name), nullptr) << name;
    EXPECT_TRUE(at::equal(zip->tensor(*zip->find(name)), expected)) << name;
    EXPECT_TRUE(at::equal(safe->tensor(*safe->find(name)), expected)) << name;
  }
  EXPECT_EQ(zip->global_step(), 470001);
  EXPECT_EQ(zip->contents().other_tensors, 7);
}

TEST(ReferenceCheckpoints, WidenHalfPrecision) {
  SD_NEEDS_REFERENCE();
  const auto half = open_reference("sd-tiny-fp16.ckpt");
  const auto full = open_reference("sd-tiny.ckpt");
  const WeightView half_root(half);
  const WeightView full_root(full);
  for (const TensorInfo& info : full->index()) {
    if (!unreadable_kind(*full, info).empty()) continue;  // numbers of places, which are whole
    const at::Tensor widened = half_root.get(info.name, info.shape);
    at::Tensor expected = full_root.get(info.name, info.shape);
    if (half->find(info.name)->dtype == at::kHalf) expected = expected.to(at::kHalf).to(at::kFloat);
    EXPECT_EQ(widened.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(widened, expected)) << info.name;
  }
  EXPECT_FALSE(half_root.report().failed());
}

TEST(ReferenceCheckpoints, FindAveragedWeights) {
  SD_NEEDS_REFERENCE();
  const auto full = open_reference("sd-full.ckpt");
  EXPECT_TRUE(has_ema(*full));
  EXPECT_FALSE(has_ema(*open_reference("sd-tiny.ckpt")));
  const WeightView plain = WeightView(full)["model.diffusion_model"];
  const WeightView averaged({.file = full, .scope = "model.diffusion_model", .names = ema_name},
                            WeightView::make_report(full->path(), *full));
  size_t differing = 0;
  for (const TensorInfo& info : full->index()) {
    const std::string prefix = "model.diffusion_model.";
    if (!info.name.starts_with(prefix)) continue;
    const std::string leaf = info.name.substr(prefix.size());
    const at::Tensor average = averaged.get(leaf, info.shape);
    differing += at::equal(average, plain.get(leaf, info.shape)) ? 0 : 1;
  }
  EXPECT_FALSE(averaged.report().failed());
  EXPECT_GT(differing, 600U);
}

TEST(ReferenceCheckpoints, OpenTheOthers) {
  SD_NEEDS_REFERENCE();
  EXPECT_EQ(open_reference("laion-tiny.ckpt")->index().size(), 996U);
  const auto safety = open_reference("safety-tiny/pytorch_model.bin");
  EXPECT_FALSE(safety->contents().nested_state_dict);
  EXPECT_EQ(safety->index().size(), 45U);
}

}  // namespace
}  // namespace sd
