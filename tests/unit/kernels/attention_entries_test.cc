// What every entry of the attention table promises beyond small shapes: every head width, long
// sequences, views, scores of any size, and the same bits however the work is divided.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/table.h"
#include "support/kernel_entries.h"
#include "support/kernel_numbers.h"

namespace sd::test {
using namespace kernels;
using namespace runtime;

namespace {

template <class Check>
void for_each_entry(const AttentionSpec& spec, const Check& check) {
  test::for_each_entry(attention_entries(), spec, check);
}

void check_against_double(const AttentionSpec& spec, const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v, double tolerance) {
  const at::Tensor expected = attention_in_double(q, k, v, spec);
  for_each_entry(spec, [&](const AttentionKernel& kernel) {
    const at::Tensor y = kernel(q, k, v);
    ASSERT_EQ(y.sizes(), q.sizes());
    EXPECT_TRUE(y.is_contiguous());
    const double most = (y.to(at::kDouble) - expected).abs().max().item<double>();
    EXPECT_FALSE(std::isnan(most));
    EXPECT_LT(most, tolerance);
  });
}

TEST(LongAttentionRows, AgreeForEveryHeadWidth) {
  for (const int64_t d : {1, 15, 40, 64, 80, 160, 161, 512, 520}) {
    for (const auto& [t, s] : {std::pair<int64_t, int64_t>{130, 77}, {33, 113}, {300, 300}}) {
      for (const bool causal : {false, true}) {
        if (causal && t != s) continue;
        SCOPED_TRACE(::testing::Message() << d << " wide, " << t << " over " << s << " " << causal);
        check_against_double({2, causal}, numbers({2, t, 2 * d}, 1), numbers({2, s, 2 * d}, 2),
                             numbers({2, s, 2 * d}, 3), 1e-5);
      }
    }
  }
}

TEST(LongAttentionRows, ReadQueriesKeysAndValuesSideBySide) {
  const at::Tensor qkv = numbers({2, 150, 3 * 80});
  const auto parts = qkv.chunk(3, -1);
  check_against_double({2, false}, parts[0], parts[1], parts[2], 1e-5);
}

TEST(LongAttentionRows, NeitherOverflowNorLoseTheGreatestScore) {
  const at::Tensor k = numbers({1, 250, 64}, 2) * 100;
  check_against_double({1, false}, numbers({1, 40, 64}, 1) * 100, k, numbers({1, 250, 64}, 3),
                       2e-3);  // scores of 1e5, whose own last digit is 8e-3
  // Equal scores of 1e4: plain means.
  const at::Tensor same = at::full({1, 250, 64}, std::sqrt(1e4 / 8));
  check_against_double({1, false}, same, same, numbers({1, 250, 64}, 3), 1e-5);
  check_against_double({1, false}, same, -same, numbers({1, 250, 64}, 3), 1e-5);
}

TEST(LongAttentionRows, LeaveOutKeysWhoseScoreIsMinusInfinity) {
  at::Tensor k = numbers({1, 300, 8}, 2);
  at::Tensor q = numbers({1, 20, 8}, 1);
  q.select(2, 0).fill_(1);
  k.narrow(1, 0, 240).select(2, 0).fill_(-INFINITY);  // whole blocks, and the first of all
  check_against_double({1, false}, q, k, numbers({1, 300, 8}, 3), 1e-5);
}

TEST(LongAttentionRows, KeepWhatIsNoNumberInItsRow) {
  at::Tensor q = numbers({1, 40, 16});
  const at::Tensor k = numbers({1, 90, 16}, 2);
  const at::Tensor clean = q.clone();
  q[0][3][5] = NAN;
  for_each_entry({2, false}, [&](const AttentionKernel& kernel) {
    const at::Tensor y = kernel(q, k, k);
    EXPECT_TRUE(y[0][3].narrow(0, 0, 8).isnan().all().item<bool>());
    EXPECT_TRUE(at::allclose(y.narrow(1, 4, 36), kernel(clean, k, k).narrow(1, 4, 36)));
  });
}

void expect_same_bits_for_any_number_of_threads(const AttentionKernel& kernel) {
  const at::Tensor q = numbers({2, 200, 80});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = kernel(q, q, q);
  at::set_num_threads(2);
  EXPECT_TRUE(at::equal(kernel(q, q, q), one));
  at::set_num_threads(before);
}

TEST(LongAttentionRows, GiveTheSameBitsForAnyNumberOfThreads) {
  for_each_entry({2, false}, expect_same_bits_for_any_number_of_threads);
}

// --- products of bfloat16 ---

template <class Check>
void for_each_rounded_entry(const AttentionSpec& spec, const Check& check) {
  test::for_each_rounded_entry(attention_entries(), spec, {.isa = probe_isa(), .bf16 = true},
                               check);
}

TEST(LongAttentionRows, InBfloat16AreAsGoodAsTheirOperands) {
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  const auto rounded = [](const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kFloat); };
  for (const int64_t d : {1, 15, 40, 64, 80, 159, 160}) {
    for (const auto& [t, s] : {std::pair<int64_t, int64_t>{130, 77}, {33, 113}, {300, 300}}) {
      for (const bool causal : {false, true}) {
        if (causal && t != s) continue;
        SCOPED_TRACE(::testing::Message() << d << " wide, " << t << " over " << s << " " << causal);
        // Keys and values that bfloat16 holds: what is left to round are queries and weights.
        const at::Tensor q = numbers({2, t, 2 * d}, 1);
        const at::Tensor k = rounded(numbers({2, s, 2 * d}, 2));
        const at::Tensor v = rounded(numbers({2, s, 2 * d}, 3));
        const at::Tensor expected = attention_in_double(q, k, v, {2, causal});
        int found = 0;
        for_each_rounded_entry({2, causal}, [&](const AttentionKernel& kernel) {
          ++found;
          const at::Tensor error = kernel(q, k, v).to(at::kDouble) - expected;
          EXPECT_LT((error.norm() / expected.norm()).item<double>(), 4e-3);
          EXPECT_LT(error.abs().max().item<double>(), 0.03);
        });
        EXPECT_EQ(found, 1);
      }
    }
  }
}

TEST(LongAttentionRows, InBfloat16GiveExactMeansOfEqualScores) {
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  for (const int64_t keys : {1, 2, 77, 225, 449}) {
    const at::Tensor same = at::full({1, keys, 64}, 4.0);
    const at::Tensor v = at::arange(keys, at::kFloat).remainder(128).view({1, keys, 1});
    const at::Tensor values = v.expand({1, keys, 64}).contiguous();
    for_each_rounded_entry({1, false}, [&](const AttentionKernel& kernel) {
      const at::Tensor y = kernel(same, same, values);
      EXPECT_LT((y - values.mean(1, true)).abs().max().item<double>(), 1e-2);
      at::Tensor broken = same.clone();
      broken[0][0][3] = NAN;
      EXPECT_TRUE(kernel(broken, same, values)[0][0].isnan().all().item<bool>());
    });
  }
}

TEST(LongAttentionRows, InBfloat16GiveTheSameBitsForAnyNumberOfThreads) {
  for_each_rounded_entry({2, false}, expect_same_bits_for_any_number_of_threads);
}

}  // namespace
}  // namespace sd::test
