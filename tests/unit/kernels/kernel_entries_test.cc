// Every entry of every kernel table against the table's last entry, and against the formula in
// double. Entries are read from the tables: a new one is tested as soon as it is there.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/table.h"
#include "support/kernel_entries.h"
#include "support/kernel_numbers.h"

namespace sd::test {
using namespace kernels;
using namespace runtime;

namespace {

/// A tensor of the shape that is a cut of a larger, transposed one: contiguous in no layout.
at::Tensor scattered(at::IntArrayRef shape, uint64_t seed = 1) {
  std::vector<int64_t> larger = shape.vec();
  for (int64_t& size : larger) size += 2;
  std::swap(larger.front(), larger.back());
  at::Tensor x = numbers(larger, seed).transpose(0, -1);
  for (size_t i = 0; i < shape.size(); ++i) x = x.narrow(static_cast<int64_t>(i), 1, shape[i]);
  return x;
}

/// These values in the layouts that a kernel may meet.
std::vector<at::Tensor> image_layouts(at::IntArrayRef shape) {
  const at::Tensor x = numbers(shape);
  return {x.contiguous(at::MemoryFormat::ChannelsLast), x, scattered(shape)};
}

KernelPolicy policy() { return {.isa = probe_isa()}; }

at::Tensor in_double(const at::Tensor& x) { return x.defined() ? x.to(at::kDouble) : x; }

/// Runs every entry that fits the spec on the input; each must agree with the last entry and with
/// `expected`, leave its input as it was, and give memory of its own.
template <class Kernel, class Spec>
void check_entries(std::span<const KernelEntry<Kernel, Spec>> entries, const Spec& spec,
                   const at::Tensor& x, const at::Tensor& expected, double tolerance) {
  const at::Tensor before = x.clone();
  const at::Tensor last = (*entries.back().make(spec, policy()))(x);
  for_each_entry(entries, spec, [&](const Kernel& kernel) {
    const at::Tensor y = kernel(x);
    EXPECT_EQ(y.scalar_type(), at::kFloat);
    EXPECT_LT(difference(y, expected), tolerance);
    EXPECT_LT(difference(y, last), tolerance);
    EXPECT_TRUE(at::equal(x, before));
    EXPECT_FALSE(y.is_alias_of(x));
    if (x.dim() == 4) {
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    }
  });
}

template <class Entry>
void expect_aten_last(std::span<const Entry> entries) {
  EXPECT_STREQ(entries.back().name, "aten");
  EXPECT_EQ(entries.back().needs, Isa::kPortable);
  for (const Entry& entry : entries.first(entries.size() - 1)) EXPECT_STRNE(entry.name, "aten");
}

TEST(KernelTables, EndWithPlainAten) {
  expect_aten_last(conv2d_entries());
  expect_aten_last(linear_entries());
  expect_aten_last(group_norm_entries());
  expect_aten_last(attention_entries());
  expect_aten_last(geglu_entries());
  expect_aten_last(guide_entries());
  expect_aten_last(mix_entries());
}

struct FakeKernel {
  virtual ~FakeKernel() = default;
  int entry = 0;
};
template <int kEntry>
std::unique_ptr<const FakeKernel> make_fake(const int& fits_from, const KernelPolicy&) {
  if (kEntry < fits_from) return nullptr;
  auto kernel = std::make_unique<FakeKernel>();
  kernel->entry = kEntry;
  return kernel;
}

TEST(KernelTables, ChooseTheFirstEntryThatFits) {
  constexpr KernelEntry<FakeKernel, int> kEntries[] = {{"first", Isa::kAvx512, make_fake<0>},
                                                       {"second", Isa::kAvx2, make_fake<1>},
                                                       {"last", Isa::kPortable, make_fake<2>}};
  const std::span<const KernelEntry<FakeKernel, int>> entries = kEntries;
  for (const int fits_from : {0, 1, 2}) {
    EXPECT_EQ(choose_kernel(entries, fits_from, {.isa = Isa::kAvx512Bf16})->entry, fits_from);
    EXPECT_EQ(choose_kernel(entries, fits_from, {.isa = Isa::kAvx2})->entry,
              std::max(fits_from, 1));
    EXPECT_EQ(choose_kernel(entries, fits_from, {.isa = Isa::kPortable})->entry, 2);
    EXPECT_EQ(choose_kernel(entries, fits_from, {.plain = true, .isa = Isa::kAvx512})->entry, 2);
  }
}

TEST(Conv2dEntries, AgreeOnOddShapes) {
  struct Case {
    int64_t n, in, out, kernel, stride, padding, height, width;
  };
  const Case cases[] = {
      {1, 4, 32, 3, 1, 1, 8, 8},   {2, 5, 7, 3, 1, 1, 9, 5},     {3, 8, 12, 3, 2, 1, 10, 6},
      {1, 3, 6, 3, 2, 0, 9, 7},    {2, 13, 3, 1, 1, 0, 5, 5},    {1, 1, 1, 3, 1, 1, 3, 3},
      {1, 160, 64, 3, 1, 1, 8, 8}, {2, 32, 33, 3, 2, 1, 16, 16}, {1, 8, 8, 1, 2, 0, 7, 7},
      {3, 9, 16, 3, 1, 1, 1, 1},   {1, 33, 4, 3, 1, 1, 17, 31},
  };
  for (const Case& c : cases) {
    for (const bool bias : {true, false}) {
      SCOPED_TRACE(::testing::Message() << c.n << "x" << c.in << "x" << c.height << "x" << c.width
                                        << " to " << c.out << ", stride " << c.stride);
      const double width = 1 / std::sqrt(static_cast<double>(c.in * c.kernel * c.kernel));
      const Conv2dSpec spec{numbers({c.out, c.in, c.kernel, c.kernel}, 2) * width,
                            bias ? numbers({c.out}, 3) : at::Tensor(), c.stride, c.padding};
      for (const at::Tensor& x : image_layouts({c.n, c.in, c.height, c.width})) {
        const at::Tensor expected = at::conv2d(in_double(x), in_double(spec.weight),
                                               in_double(spec.bias), c.stride, c.padding);
        check_entries(conv2d_entries(), spec, x, expected, 1e-5);
      }
    }
  }
}

TEST(LinearEntries, AgreeOnOddShapes) {
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{1, 1}, {5, 7}, {32, 32}, {77, 320}}) {
    for (const bool bias : {true, false}) {
      const LinearSpec spec{numbers({out, in}, 2) / std::sqrt(static_cast<double>(in)),
                            bias ? numbers({out}, 3) : at::Tensor()};
      for (const at::Tensor& x : {numbers({1, in}), numbers({3, 7, in}), scattered({2, 5, in})}) {
        at::Tensor expected = at::matmul(in_double(x), in_double(spec.weight).t());
        if (bias) expected = expected + in_double(spec.bias);
        check_entries(linear_entries(), spec, x, expected, 1e-5);
      }
    }
  }
}

/// Group norm in double, from its definition.
at::Tensor group_norm_in_double(const at::Tensor& x, const GroupNormSpec& spec) {
  const at::Tensor groups = in_double(x).reshape({x.size(0), spec.groups, -1});
  const at::Tensor centred = groups - groups.mean(2, /*keepdim=*/true);
  const at::Tensor variance = centred.square().mean(2, /*keepdim=*/true);
  const at::Tensor normed = (centred / (variance + spec.eps).sqrt()).reshape(x.sizes());
  const at::Tensor y = normed * in_double(spec.weight).reshape({1, -1, 1, 1}) +
                       in_double(spec.bias).reshape({1, -1, 1, 1});
  return spec.silu ? y * at::sigmoid(y) : y;
}

TEST(GroupNormEntries, AgreeOnOddShapesAndWithAMeanFarFromZero) {
  struct Case {
    int64_t n, channels, groups, height, width;
  };
  const Case cases[] = {{1, 96, 32, 1, 1}, {2, 32, 32, 5, 3},  {3, 96, 32, 7, 1},
                        {1, 12, 4, 9, 9},  {2, 7, 7, 3, 3},    {1, 320, 32, 16, 16},
                        {2, 5, 1, 11, 2},  {1, 64, 32, 32, 32}};
  for (const Case& c : cases) {
    for (const double mean : {0.0, 30.0}) {
      for (const bool silu : {true, false}) {
        SCOPED_TRACE(::testing::Message() << c.n << "x" << c.channels << "x" << c.height << "x"
                                          << c.width << " mean " << mean << " silu " << silu);
        const GroupNormSpec spec{numbers({c.channels}, 2) * 0.3 + 1, numbers({c.channels}, 3),
                                 c.groups, silu ? 1e-5 : 1e-6, silu};
        for (const at::Tensor& values : image_layouts({c.n, c.channels, c.height, c.width})) {
          const at::Tensor x = values + mean;
          check_entries(group_norm_entries(), spec, x, group_norm_in_double(x, spec),
                        mean == 0 ? 1e-5 : 3e-5);
        }
      }
    }
  }
}

TEST(GroupNormEntries, KeepFiveDigitsWhereTheMeanIsFarAboveTheDeviation) {
  // E[x²] - E[x]² in single precision has two digits left here.
  const GroupNormSpec spec{at::ones({32}), at::zeros({32}), 8, 1e-6, false};
  const at::Tensor x = (numbers({2, 32, 16, 16}) + 100).contiguous(at::MemoryFormat::ChannelsLast);
  check_entries(group_norm_entries(), spec, x, group_norm_in_double(x, spec), 1e-4);
}

/// [N, T, heads*d] → [N, heads, T, d] in double.
void check_attention(const AttentionSpec& spec, const at::Tensor& q, const at::Tensor& k,
                     const at::Tensor& v) {
  const at::Tensor expected = attention_in_double(q, k, v, spec);
  const at::Tensor last = (*attention_entries().back().make(spec, policy()))(q, k, v);
  for_each_entry(attention_entries(), spec, [&](const AttentionKernel& kernel) {
    const at::Tensor y = kernel(q, k, v);
    EXPECT_LT(difference(y, expected), 1e-5);
    EXPECT_LT(difference(y, last), 1e-5);
  });
}

TEST(AttentionEntries, AgreeForEveryHeadCountMaskAndBatch) {
  for (int64_t heads = 1; heads <= 8; ++heads) {
    for (const int64_t d : {5, 8, 40}) {
      for (const auto& [t, s] : {std::pair<int64_t, int64_t>{1, 1}, {7, 77}, {65, 65}, {9, 1}}) {
        for (const bool causal : {false, true}) {
          if (causal && t != s) continue;
          for (const auto& [n, shared] :
               {std::pair<int64_t, bool>{1, false}, {2, false}, {3, true}}) {
            SCOPED_TRACE(::testing::Message() << heads << " heads of " << d << ", " << n << "x" << t
                                              << " over " << s << " causal " << causal);
            const int64_t rows = shared ? 1 : n;
            check_attention({heads, causal}, numbers({n, t, heads * d}, 1),
                            numbers({rows, s, heads * d}, 2), numbers({rows, s, heads * d}, 3));
          }
        }
      }
    }
  }
}

TEST(AttentionEntries, TakeInputsThatAreNotContiguous) {
  check_attention({4, false}, scattered({2, 9, 32}, 1), scattered({2, 11, 32}, 2),
                  scattered({2, 11, 32}, 3));
}

TEST(AttentionEntries, KeepTheirHeadWhereScoresAreLarge) {
  check_attention({2, false}, numbers({1, 6, 16}, 1) * 40, numbers({1, 6, 16}, 2) * 40,
                  numbers({1, 6, 16}, 3));
}

TEST(GegluEntries, AgreeOnOddShapes) {
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {32, 128}, {40, 17}}) {
    const GegluSpec spec{numbers({2 * out, in}, 2) / std::sqrt(static_cast<double>(in)),
                         numbers({2 * out}, 3)};
    for (const at::Tensor& x : {numbers({1, in}), numbers({2, 9, in}), scattered({3, 5, in})}) {
      const auto halves =
          (at::matmul(in_double(x), in_double(spec.weight).t()) + in_double(spec.bias))
              .chunk(2, -1);
      const at::Tensor gate = 0.5 * halves[1] * (1 + at::erf(halves[1] / std::sqrt(2.0)));
      check_entries(geglu_entries(), spec, x, halves[0] * gate, 1e-5);
    }
  }
}

}  // namespace
}  // namespace sd::test
