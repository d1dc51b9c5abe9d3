// What every entry of the linear and GEGLU tables promises beyond one product: residuals, views,
// long rows, and the same bits however the work is divided.

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

KernelPolicy policy() { return {.isa = probe_isa()}; }

LinearSpec linear_spec(int64_t in, int64_t out) {
  return {numbers({out, in}, 2) / std::sqrt(static_cast<double>(in)), numbers({out}, 3)};
}

GegluSpec geglu_spec(int64_t in, int64_t out) {
  return {numbers({2 * out, in}, 2) / std::sqrt(static_cast<double>(in)), numbers({2 * out}, 3)};
}

at::Tensor linear_in_double(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::matmul(x.to(at::kDouble), weight.to(at::kDouble).t()) + bias.to(at::kDouble);
}

at::Tensor geglu_in_double(const at::Tensor& x, const GegluSpec& spec) {
  const auto halves = linear_in_double(x, spec.weight, spec.bias).chunk(2, -1);
  return 0.5 * halves[0] * halves[1] * at::special_erfc(halves[1] / -std::sqrt(2.0));
}

struct ThreadCount {
  explicit ThreadCount(int count) : before(at::get_num_threads()) { at::set_num_threads(count); }
  ~ThreadCount() { at::set_num_threads(before); }
  int before;
};

TEST(LinearEntries, AddResidualsOnEveryEdgeOfTheirTiles) {
  for (const int64_t in : {3, 320, 641, 1283}) {
    for (const int64_t out : {1, 15, 17, 33, 96}) {
      const LinearSpec spec = linear_spec(in, out);
      for (const int64_t rows : {1, 2, 6, 7, 13, 14, 15, 29, 131}) {
        SCOPED_TRACE(::testing::Message() << rows << "x" << in << " to " << out);
        const at::Tensor x = numbers({rows, in});
        const at::Tensor residual = numbers({rows, out}, 4);
        const at::Tensor expected = linear_in_double(x, spec.weight, spec.bias) + residual;
        for_each_entry(linear_entries(), spec, [&](const LinearKernel& kernel) {
          EXPECT_LT(difference(kernel(x, residual), expected), 1e-5);
        });
      }
    }
  }
}

TEST(LinearEntries, ReadViewsInPlaceAndGiveMemoryOfTheirOwn) {
  const LinearSpec spec = linear_spec(40, 24);
  const at::Tensor wide = numbers({2, 30, 120});
  const at::Tensor residuals = numbers({2, 30, 48}, 4);
  const at::Tensor x = wide.narrow(2, 40, 40);
  const at::Tensor residual = residuals.narrow(2, 24, 24);
  const at::Tensor expected = linear_in_double(x, spec.weight, spec.bias) + residual;
  for_each_entry(linear_entries(), spec, [&](const LinearKernel& kernel) {
    const at::Tensor y = kernel(x, residual);
    EXPECT_TRUE(y.is_contiguous());
    EXPECT_LT(difference(y, expected), 1e-5);
    EXPECT_TRUE(at::equal(residuals, numbers({2, 30, 48}, 4)));
    EXPECT_EQ(kernel(x.narrow(0, 0, 0)).sizes(), at::IntArrayRef({0, 30, 24}));
  });
}

TEST(LinearEntries, GiveTheSameBitsForAnyDivisionOfTheWork) {
  const LinearSpec spec = linear_spec(1300, 130);
  const GegluSpec gated = geglu_spec(200, 130);
  const auto check = [](const auto& kernel, const at::Tensor& x) {
    at::Tensor one;
    {
      const ThreadCount threads(1);
      one = kernel(x);
    }
    const ThreadCount threads(2);
    EXPECT_TRUE(at::equal(kernel(x), one));
    return one;
  };
  for (const int64_t rows : {5, 77, 500}) {
    const at::Tensor x = numbers({rows, 1300});
    const at::Tensor narrow = numbers({rows, 200});
    for (const auto& entry : linear_entries()) {
      if (entry.needs > probe_isa() || &entry == &linear_entries().back()) continue;
      const auto kernel = entry.make(spec, policy());
      if (kernel == nullptr) continue;
      const at::Tensor whole = check(*kernel, x);
      EXPECT_TRUE(at::equal((*kernel)(x.narrow(0, 2, 3)), whole.narrow(0, 2, 3))) << entry.name;
    }
    for (const auto& entry : geglu_entries()) {
      if (entry.needs > probe_isa() || &entry == &geglu_entries().back()) continue;
      if (const auto kernel = entry.make(gated, policy())) check(*kernel, narrow);
    }
  }
}

TEST(LinearEntries, KeepWhatIsNoNumberInItsRow) {
  const LinearSpec spec = linear_spec(50, 40);
  at::Tensor x = numbers({20, 50});
  const at::Tensor clean = x.clone();
  x[3][7] = NAN;
  for_each_entry(linear_entries(), spec, [&](const LinearKernel& kernel) {
    const at::Tensor y = kernel(x);
    EXPECT_TRUE(y[3].isnan().all().item<bool>());
    EXPECT_TRUE(at::equal(y.narrow(0, 4, 16), kernel(clean).narrow(0, 4, 16)));
  });
}

TEST(LinearEntries, DoNotKeepTheWeightBesideItsPackedCopy) {
  const LinearSpec spec = linear_spec(70, 50);
  const GegluSpec gated = geglu_spec(70, 50);
  const auto expect_unheld = [](const auto& entries, const auto& of) {
    const auto before = of.weight.use_count();
    for (const auto& entry : entries) {
      if (entry.needs > probe_isa() || !std::string(entry.name).starts_with("packed")) continue;
      const auto kernel = entry.make(of, policy());
      EXPECT_TRUE(kernel == nullptr || of.weight.use_count() == before) << entry.name;
    }
  };
  expect_unheld(linear_entries(), spec);
  expect_unheld(geglu_entries(), gated);
}

TEST(LinearEntries, GiveTheSameBitsOfManyRowsWhereMemoryIsLow) {
  KernelPolicy low = policy();
  low.memory = MemoryMode::kLow;
  const LinearSpec spec = linear_spec(70, 50);
  const GegluSpec gated = geglu_spec(70, 50);
  for (const int64_t rows : {1, 63, 64, 200}) {
    SCOPED_TRACE(rows);
    const at::Tensor x = numbers({rows, 70}), residual = numbers({rows, 50}, 4);
    const auto expect_alike = [&](const at::Tensor& a, const at::Tensor& b) {
      EXPECT_LT(difference(a, b), 1e-5);
      EXPECT_TRUE(rows < 64 || at::equal(a, b));
    };
    for (const auto& entry : linear_entries()) {
      if (entry.needs > probe_isa()) continue;
      const auto kernel = entry.make(spec, policy());
      if (kernel != nullptr) {
        expect_alike((*entry.make(spec, low))(x, residual), (*kernel)(x, residual));
      }
    }
    for (const auto& entry : geglu_entries()) {
      if (entry.needs > probe_isa() || entry.device != DeviceKind::kCpu) continue;
      const auto kernel = entry.make(gated, policy());
      if (kernel != nullptr) expect_alike((*entry.make(gated, low))(x), (*kernel)(x));
    }
  }
}

// --- products of bfloat16 ---

KernelPolicy rounded_policy() { return {.isa = probe_isa(), .bf16 = true}; }

/// As the entries in bfloat16 round their operands, in double.
at::Tensor rounded(const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kDouble); }

template <class Kernel, class Spec, class Check>
void for_each_rounded_entry(std::span<const KernelEntry<Kernel, Spec>> entries, const Spec& spec,
                            const Check& check) {
  test::for_each_rounded_entry(entries, spec, rounded_policy(), check);
}

TEST(LinearEntries, InBfloat16RoundTheirOperandsAndNothingElse) {
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  for (const int64_t in : {1, 2, 31, 33, 320, 641, 1283, 2600}) {
    for (const int64_t out : {1, 15, 17, 33, 96}) {
      const LinearSpec spec = linear_spec(in, out);
      for (const int64_t rows : {1, 7, 14, 29, 131}) {
        SCOPED_TRACE(::testing::Message() << rows << "x" << in << " to " << out);
        const at::Tensor x = numbers({rows, in + 3}).narrow(1, 1, in);
        const at::Tensor residual = numbers({rows, out}, 4);
        const at::Tensor expected =
            at::matmul(rounded(x), rounded(spec.weight).t()) + spec.bias.to(at::kDouble) + residual;
        int found = 0;
        for_each_rounded_entry(linear_entries(), spec, [&](const LinearKernel& kernel) {
          ++found;
          EXPECT_LT(difference(kernel(x, residual), expected), 1e-5);
          const at::Tensor exact = linear_in_double(x, spec.weight, spec.bias) + residual;
          EXPECT_LT(difference(kernel(x, residual), exact), 0.03);
        });
        EXPECT_EQ(found, 1);
      }
    }
  }
}

TEST(LinearEntries, InBfloat16GiveTheSameBitsForAnyDivisionOfTheWork) {
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  const LinearSpec spec = linear_spec(1301, 130);
  at::Tensor x = numbers({500, 1301});
  for_each_rounded_entry(linear_entries(), spec, [&](const LinearKernel& kernel) {
    at::Tensor one;
    {
      const ThreadCount threads(1);
      one = kernel(x);
    }
    const ThreadCount threads(2);
    EXPECT_TRUE(at::equal(kernel(x), one));
    EXPECT_TRUE(at::equal(kernel(x.narrow(0, 2, 3)), one.narrow(0, 2, 3)));
    x[3][7] = NAN;
    EXPECT_TRUE(kernel(x)[3].isnan().all().item<bool>());
    EXPECT_TRUE(at::equal(kernel(x).narrow(0, 4, 16), one.narrow(0, 4, 16)));
  });
}

TEST(GegluEntries, InBfloat16RoundTheirOperandsAndNothingElse) {
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  for (const int64_t in : {3, 320, 1280, 2559}) {
    for (const int64_t out : {1, 17, 40}) {
      const GegluSpec spec = geglu_spec(in, out);
      const GegluSpec as_rounded{rounded(spec.weight), spec.bias};
      const at::Tensor x = numbers({131, in});
      for_each_rounded_entry(geglu_entries(), spec, [&](const GegluKernel& kernel) {
        EXPECT_LT(difference(kernel(x), geglu_in_double(rounded(x), as_rounded)), 2e-5);
      });
    }
  }
}

TEST(GegluEntries, AgreeOnEveryEdgeOfTheirTiles) {
  for (const int64_t in : {3, 320, 1280, 1281}) {
    for (const int64_t out : {1, 15, 17, 40}) {
      const GegluSpec spec = geglu_spec(in, out);
      for (const int64_t rows : {1, 6, 7, 14, 15, 131}) {
        SCOPED_TRACE(::testing::Message() << rows << "x" << in << " to " << out);
        const at::Tensor x = numbers({rows, in});
        const at::Tensor expected = geglu_in_double(x, spec);
        for_each_entry(geglu_entries(), spec, [&](const GegluKernel& kernel) {
          EXPECT_LT(difference(kernel(x), expected), 2e-5);
        });
      }
    }
  }
}

TEST(GegluEntries, FollowTheErrorFunctionFromTailToTail) {
  // One input of weight 0 for the value, whose bias is 1, and 1 for the gate: y = gelu(x).
  const GegluSpec spec{at::tensor({0.0F, 1.0F}).unsqueeze(1), at::tensor({1.0F, 0.0F})};
  const at::Tensor x = at::linspace(-14, 14, 28001).unsqueeze(1);
  const at::Tensor expected = geglu_in_double(x, spec);
  for_each_entry(geglu_entries(), spec, [&](const GegluKernel& kernel) {
    const at::Tensor error = (kernel(x).to(at::kDouble) - expected).abs();
    EXPECT_LT((error / x.abs().clamp_min(1e-3)).max().item<double>(), 2.5e-7);
    EXPECT_TRUE(kernel(at::full({1, 1}, NAN)).isnan().item<bool>());
    EXPECT_EQ(kernel(at::full({1, 1}, 1e30)).item<float>(), 1e30F);
    EXPECT_EQ(kernel(at::full({1, 1}, -1e30)).item<float>(), 0.0F);
  });
}

}  // namespace
}  // namespace sd::test
