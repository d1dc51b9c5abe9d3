// Files that the real torch.save wrote (tests/data/weights/make_fixtures.py).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/expect_error.h"
#include "weights/checkpoint.h"

namespace sd {
using namespace weights;

namespace {

std::string fixture(const std::string& name) { return SD_SOURCE_DIR "/tests/data/weights/" + name; }

class SavedByTorch : public testing::TestWithParam<const char*> {};

TEST_P(SavedByTorch, GivesEveryDtypeAndLayout) {
  const auto checkpoint = open_checkpoint(fixture(GetParam()));
  EXPECT_EQ(checkpoint->global_step(), 1234);
  EXPECT_EQ(checkpoint->contents().other_tensors, 2);
  EXPECT_TRUE(checkpoint->contents().nested_state_dict);
  const at::Tensor table = at::arange(48, at::kFloat).view({4, 12});
  const std::map<std::string, at::Tensor> expected = {
      {"plain.weight", at::arange(6, at::kFloat).view({2, 3}) / 4},
      {"half.weight", (at::arange(5, at::kFloat) / 8 - 0.25).to(at::kHalf)},
      {"bf16.weight", (at::arange(4, at::kFloat) / 2 - 1).to(at::kBFloat16)},
      {"double.weight", at::arange(3, at::kDouble) / 4},
      {"ids", at::arange(7, at::kLong).view({1, 7})},
      {"i32", at::tensor({1, -2, 3}, at::kInt)},
      {"flags", at::tensor({1, 0, 1}, at::kInt).to(at::kBool)},
      {"scalar", at::scalar_tensor(2.5, at::kFloat)},
      {"empty", at::empty({0, 4}, at::kFloat)},
      {"transposed", table.t()},
      {"shared.row", table[1]},
      {"shared.column", table.select(1, 2)},
      {"parameter", at::tensor({1.5F, -1.5F})},
      {"expanded", at::full({4}, 3.0F)},
  };
  ASSERT_EQ(checkpoint->index().size(), expected.size());
  for (const TensorInfo& info : checkpoint->index()) {
    const at::Tensor found = checkpoint->tensor(info);
    EXPECT_EQ(found.scalar_type(), expected.at(info.name).scalar_type()) << info.name;
    EXPECT_TRUE(at::equal(found, expected.at(info.name))) << info.name;
  }
  EXPECT_TRUE(std::is_sorted(checkpoint->index().begin(), checkpoint->index().end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
  EXPECT_FALSE(checkpoint->find("transposed")->is_contiguous());
}

TEST_P(SavedByTorch, MarksTheUnusualGlobal) {
  const auto checkpoint = open_checkpoint(fixture(GetParam()));
  std::vector<std::string> unusual;
  for (const PickleGlobal& global : checkpoint->contents().globals) {
    if (!global.known) unusual.push_back(global.name);
  }
  EXPECT_EQ(unusual, std::vector<std::string>({"torch.nn.modules.linear.Linear"}));
}

INSTANTIATE_TEST_SUITE_P(EveryForm, SavedByTorch,
                         testing::Values("zip.ckpt", "zip-p4.ckpt", "legacy-p1.ckpt",
                                         "legacy-p2.ckpt", "legacy-p4.ckpt"));

TEST(NewerTorch, GivesNewDtypesAndTensorsWithAttributes) {
  const auto checkpoint = open_checkpoint(fixture("newer.ckpt"));
  EXPECT_FALSE(checkpoint->contents().nested_state_dict);
  const auto sum = [&](const char* name) {
    return checkpoint->tensor(*checkpoint->find(name)).to(at::kFloat).sum().item<float>();
  };
  EXPECT_EQ(checkpoint->find("u16")->dtype, at::ScalarType::UInt16);
  EXPECT_EQ(sum("u16"), 65538);
  EXPECT_EQ(checkpoint->find("f8")->dtype, at::ScalarType::Float8_e4m3fn);
  EXPECT_EQ(sum("f8"), 3);
  EXPECT_EQ(sum("attribute"), 2);
}

TEST(NewerTorch, RefusesWhatIsNoDict) {
  test::expect_error(ErrorKind::kCheckpoint, "an object of class torch.nn.modules.linear.Linear",
                     [] { open_checkpoint(fixture("module.ckpt")); });
}

TEST(NewerTorch, KeepsASparseTensorInTheIndex) {
  const auto checkpoint = open_checkpoint(fixture("sparse.ckpt"));
  EXPECT_EQ(checkpoint->tensor(*checkpoint->find("dense")).sum().item<float>(), 2);
  EXPECT_EQ(checkpoint->find("sparse")->foreign, "sparse_tensor");
  test::expect_error(ErrorKind::kCheckpoint, "cannot read sparse",
                     [&] { checkpoint->tensor(*checkpoint->find("sparse")); });
}

}  // namespace
}  // namespace sd
