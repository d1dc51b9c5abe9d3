// Brownian paths against torchsde's.

#include "sampling/brownian.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sampling/noise_stream.h"
#include "support/webui.h"

namespace sd::test {
using namespace runtime;
using namespace sampling;

namespace {

TEST(SeedSequence, IsNumpys) {
  SD_NEEDS_WEBUI();
  for (const auto& row : webui_json("unit/brownian.json").at("seed_sequence")) {
    if (row.at(2).get<int>() != 24) continue;
    const auto key = row.at(1).get<std::vector<uint64_t>>();
    EXPECT_EQ(seed_sequence_word(row.at(0), key), row.at(3).at(0).get<uint32_t>()) << row.dump();
  }
}

TEST(BrownianTree, IsTorchsdes) {
  SD_NEEDS_WEBUI();
  for (const auto& tree : webui_json("unit/brownian.json").at("trees")) {
    const auto shape = tree.at("shape").get<std::vector<int64_t>>();
    const RngKind rng = source_of(tree.at("source"));
    std::vector<BrownianTree> paths;
    for (const uint64_t seed : tree.at("seeds").get<std::vector<uint64_t>>()) {
      paths.emplace_back(rng, seed, std::vector<int64_t>(shape.begin() + 1, shape.end()),
                         tree.at("sigma_min").get<float>(), tree.at("sigma_max").get<float>());
    }
    const auto unused = make_noise_source(rng, 0);
    DrawnNoise noise(*unused, shape, shape[0], at::kCPU, paths);
    for (const auto& query : tree.at("queries")) {
      const at::Tensor ours = noise.between(query.at("sigma"), query.at("sigma_next"));
      const at::Tensor expected = numbers_tensor(query.at("noise"), shape);
      // Philox' normal numbers are the card's to 2e-6.
      EXPECT_LE((ours - expected).abs().max().item<double>(), 1e-5) << query.at("sigma");
    }
  }
}

TEST(BrownianTree, AddsUpAlongThePath) {
  const BrownianTree tree(RngKind::kCuda, 5, {4, 3, 3}, 0.03F, 14.6F);
  const at::Tensor whole = tree.increment(1, 9);
  const at::Tensor parts = tree.increment(1, 2.5F) + tree.increment(2.5F, 9);
  EXPECT_LE((whole - parts).abs().max().item<double>(), 1e-5);
  EXPECT_EQ(tree.increment(3, 3).abs().max().item<double>(), 0);
  EXPECT_TRUE(at::equal(tree.increment(0, 100), tree.increment(0.03F, 14.6F)));
}

}  // namespace
}  // namespace sd::test
