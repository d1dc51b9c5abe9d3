// OFT as PEFT stores it, against its formulas written out.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/memory_adapter.h"
#include "support/temp_folder.h"
#include "support/tensor_file.h"

namespace sd::test {
using namespace models;

namespace {

constexpr int64_t kSide = 8;
constexpr int64_t kPacked = kSide * (kSide - 1) / 2;
constexpr double kTolerance = 1e-4;
constexpr const char* kPeftLayer = "base_model.model.mid_block.attentions.0.proj_in";

at::Tensor packed(int64_t blocks) {
  return at::linspace(-0.2, 0.3, blocks * kPacked).view({blocks, kPacked});
}

at::Tensor some_weight() { return at::linspace(-1, 2, 32 * 32).sin().view({32, 32, 1, 1}); }

/// Q [side, side] of a row of packed values, place by place.
at::Tensor skew(const at::Tensor& row) {
  at::Tensor q = at::zeros({kSide, kSide}, at::kDouble);
  int64_t next = 0;
  for (int64_t i = 0; i < kSide; ++i) {
    for (int64_t k = i + 1; k < kSide; ++k) {
      q[i][k] = row[next];
      q[k][i] = -row[next++];
    }
  }
  return q;
}

/// (I - Q)(I + Q)^-1.
at::Tensor cayley(const at::Tensor& q) {
  const at::Tensor eye = at::eye(kSide, at::kDouble);
  return at::matmul(eye - q, at::inverse(eye + q));
}

/// The first five terms of (I + Q)(I - Q)^-1, as PEFT sums them: the last counts once.
at::Tensor five_terms(const at::Tensor& q) {
  const at::Tensor q2 = at::matmul(q, q);
  const at::Tensor q3 = at::matmul(q2, q);
  return at::eye(kSide, at::kDouble) + 2 * q + 2 * q2 + 2 * q3 + at::matmul(q3, q);
}

/// The weight whose inputs are turned: with M of the blocks R on its diagonal, W times M^T.
at::Tensor expected(const at::Tensor& rows, at::Tensor (*rotation)(const at::Tensor& q)) {
  at::Tensor whole = at::zeros({32, 32}, at::kDouble);
  for (int64_t block = 0; block < 32 / kSide; ++block) {
    const at::Tensor row = rows[rows.size(0) == 1 ? 0 : block].to(at::kDouble);
    whole.narrow(0, block * kSide, kSide)
        .narrow(1, block * kSide, kSide)
        .copy_(rotation(skew(row)));
  }
  return at::matmul(some_weight().view({32, 32}).to(at::kDouble), whole.t());
}

/// The weight turned by the program. `numbers`: what PEFT's config says.
at::Tensor turned(const at::Tensor& rows, const std::map<AdapterRole, double>& numbers,
                  double strength = 1) {
  Tensors tensors;
  std::string name = kPeftLayer;
  tensors.emplace(name.append(".oft_R.weight"), rows);
  AdapterFile file = file_of(tensors);
  for (const auto& [role, value] : numbers) {
    file.layers.at(kPeftLayer).add(role, at::scalar_tensor(value, at::kDouble));
  }
  const Adapter adapter(file, one_block_names());
  EXPECT_EQ(adapter.kinds(), "OFT");
  return merged(adapter, kName, some_weight(), strength).view({32, 32}).to(at::kDouble);
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(PeftOft, TurnsInputsByTheCayleyTransform) {
  for (const int64_t blocks : {4, 1}) {
    const at::Tensor exact = turned(packed(blocks), {{AdapterRole::kOftTerms, 0}});
    EXPECT_LT(difference(exact, expected(packed(blocks), cayley)), kTolerance);
    const at::Tensor before = some_weight().view({32, 32}).to(at::kDouble);
    EXPECT_LT(difference(exact.norm(2, {1}), before.norm(2, {1})), kTolerance);  // it only turns
    EXPECT_GT(difference(exact, before), 0.1);
  }
}

TEST(PeftOft, TurnsByFiveTermsWhereNothingElseIsSaid) {
  const at::Tensor by_terms = expected(packed(4), five_terms);
  EXPECT_LT(difference(turned(packed(4), {}), by_terms), kTolerance);
  EXPECT_LT(difference(turned(packed(4), {{AdapterRole::kOftTerms, 5}}), by_terms), kTolerance);
}

TEST(PeftOft, ChangesAsMuchAsItsStrengthSays) {
  const at::Tensor before = some_weight().view({32, 32}).to(at::kDouble);
  const at::Tensor half = turned(packed(4), {}, 0.5);
  EXPECT_LT(difference(half, (before + expected(packed(4), five_terms)) / 2), kTolerance);
}

TEST(PeftOft, StaysWithinItsLimit) {
  constexpr double kLimit = 0.02;
  at::Tensor rows = packed(4).clone();
  for (int64_t block = 0; block < 4; ++block) {
    const double length = std::sqrt(2) * rows[block].norm().item<double>();
    rows[block].mul_(std::min(1.0, kLimit / 2 / length));  // 2: the root of four blocks
  }
  const at::Tensor within =
      turned(packed(4), {{AdapterRole::kOftTerms, 0}, {AdapterRole::kOftLimit, kLimit}});
  EXPECT_LT(difference(within, expected(rows, cayley)), kTolerance);
}

TEST(PeftOft, IsReadWithItsConfig) {
  const TempFolder folder;
  const std::string path = write_tensors(folder / "adapter_model.safetensors",
                                         {{std::string(kPeftLayer) + ".oft_R.weight", packed(4)}});
  const auto number = [&](const std::string& config, AdapterRole role) {
    folder.write("adapter_config.json", config);
    return read_adapter(path).layers.at(kPeftLayer).number(role, -1);
  };
  EXPECT_EQ(number(R"({"use_cayley_neumann": false})", AdapterRole::kOftTerms), 0);
  EXPECT_EQ(number(R"({"use_cayley_neumann": true})", AdapterRole::kOftTerms), 5);
  EXPECT_EQ(number(R"({"num_cayley_neumann_terms": 3})", AdapterRole::kOftTerms), 3);
  EXPECT_EQ(number(R"({"num_cayley_neumann_terms": -7})", AdapterRole::kOftTerms), 1);
  EXPECT_EQ(number(R"({"num_cayley_neumann_terms": 1e18})", AdapterRole::kOftTerms), 64);
  EXPECT_EQ(number(R"({"coft": true, "eps": 0.25})", AdapterRole::kOftLimit), 0.25);
  EXPECT_EQ(number(R"({"coft": false, "eps": 0.25})", AdapterRole::kOftLimit), -1);
}

}  // namespace
}  // namespace sd::test
