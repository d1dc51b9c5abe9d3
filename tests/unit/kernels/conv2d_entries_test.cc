// Every convolution entry with all that it may be asked to do beside the convolution, against the
// formula in double.

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

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

KernelPolicy policy() { return {.isa = probe_isa()}; }

Conv2dSpec conv_spec(int64_t in, int64_t out, int64_t stride = 1, int64_t padding = 1) {
  const double width = 1 / std::sqrt(9.0 * static_cast<double>(in));
  return {numbers({out, in, 3, 3}, 2) * width, numbers({out}, 3), stride, padding};
}

/// Of results of size one: in float32, and where the transformed operands have bfloat16's eight
/// bits, of which the transforms back lose two or three.
constexpr double kRounding = 2e-5, kRoundingOfBf16 = 0.12;

/// Calls `body` with the kernel of each entry that should fit the spec, and its rounding.
template <class Body>
void for_each_entry(const Conv2dSpec& spec, const Body& body) {
  test::for_each_entry(conv2d_entries(), spec,
                       [&](const Conv2dKernel& kernel) { body(kernel, kRounding); });
  // (Few outputs or channels are not worth bfloat16.)
  if (spec.weight.size(0) < 32 || spec.weight.size(1) < 8) return;
  test::for_each_rounded_entry(conv2d_entries(), spec,
                               {.isa = probe_isa(), .bf16_convolutions = true},
                               [&](const Conv2dKernel& kernel) { body(kernel, kRoundingOfBf16); });
}

at::Tensor normed_in_double(const at::Tensor& x, const GroupNormSpec& spec) {
  const at::Tensor y = at::group_norm(x.to(at::kDouble), spec.groups, spec.weight.to(at::kDouble),
                                      spec.bias.to(at::kDouble), spec.eps);
  return spec.silu ? at::silu(y) : y;
}

at::Tensor expected_in_double(const Conv2dSpec& spec, const Conv2dInputs& inputs,
                              const GroupNormSpec* norm) {
  at::Tensor x = inputs.x.to(at::kDouble);
  if (norm != nullptr) x = normed_in_double(x, *norm);
  if (inputs.upsample) x = x.repeat_interleave(2, 2).repeat_interleave(2, 3);
  at::Tensor y = at::conv2d(x, spec.weight.to(at::kDouble), spec.bias.to(at::kDouble), spec.stride,
                            spec.padding);
  if (inputs.channels.defined()) y = y + inputs.channels.unsqueeze(-1).unsqueeze(-1);
  if (inputs.residual.defined()) y = y + inputs.residual;
  return inputs.relu ? y.clamp_min(0) : y;
}

TEST(Conv2dEntries, DoAllThatTheyAreAskedTo) {
  struct Case {
    int64_t n, in, out, height, width, channel_rows;
    bool norm, silu, upsample, residual, relu = false;
  };
  const Case cases[] = {
      {1, 32, 32, 8, 8, 1, true, true, false, true},
      {2, 32, 48, 9, 5, 2, true, true, false, true},
      {3, 40, 33, 7, 13, 1, true, false, false, false},
      {2, 20, 19, 5, 6, 0, false, false, true, true},
      {1, 160, 64, 6, 140, 1, true, true, true, false},
      {8, 16, 16, 3, 2, 8, false, false, false, true},
      {2, 300, 40, 4, 4, 2, true, true, false, true},
      {1, 4, 40, 11, 6, 1, false, false, false, false},
      {2, 40, 4, 12, 10, 0, true, true, false, false},
      {1, 128, 3, 19, 33, 0, true, true, false, true},
      {1, 3, 5, 4, 4, 1, false, false, true, true},
      {1, 64, 64, 9, 14, 0, false, false, false, true, true},
      {2, 20, 19, 5, 6, 1, false, false, true, false, true},
      {1, 3, 5, 4, 4, 1, false, false, false, true, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::Message()
                 << c.n << "x" << c.in << "x" << c.height << "x" << c.width << " to " << c.out);
    const Conv2dSpec spec = conv_spec(c.in, c.out);
    const GroupNormSpec norm_spec{numbers({c.in}, 4) * 0.3 + 1, numbers({c.in}, 5), 4, 1e-5,
                                  c.silu};
    const auto norm = group_norm_entries().back().make(norm_spec, policy());
    const int64_t times = c.upsample ? 2 : 1;
    Conv2dInputs inputs{.x = numbers({c.n, c.in, c.height, c.width}, 6).contiguous(kLast),
                        .norm = c.norm && c.in % 4 == 0 ? norm.get() : nullptr,
                        .upsample = c.upsample,
                        .relu = c.relu};
    if (c.channel_rows > 0) inputs.channels = numbers({c.channel_rows, c.out}, 7);
    if (c.residual) {
      inputs.residual = numbers({c.n, c.out, c.height * times, c.width * times}, 8);
    }
    const at::Tensor expected =
        expected_in_double(spec, inputs, inputs.norm != nullptr ? &norm_spec : nullptr);
    for_each_entry(spec, [&](const Conv2dKernel& kernel, double rounding) {
      const at::Tensor y = kernel(inputs);
      EXPECT_LT(difference(y, expected), rounding);
      EXPECT_LT((y - expected).square().mean().sqrt().item<double>(), rounding / 6);
      EXPECT_TRUE(y.is_contiguous(kLast));
    });
  }
}

TEST(Conv2dEntries, GiveTheSameBitsForAnyBatchAndThreadCount) {
  const Conv2dSpec spec = conv_spec(64, 64);
  // 450 tiles: on one thread the Winograd kernels divide them, on two they share them.
  const at::Tensor x = numbers({5, 64, 40, 36}, 1).contiguous(kLast);
  const int threads = at::get_num_threads();
  for_each_entry(spec, [&](const Conv2dKernel& kernel, double rounding) {
    at::set_num_threads(2);
    const at::Tensor both = kernel(x);
    at::set_num_threads(1);
    const at::Tensor one = kernel(x);
    const at::Tensor alone = kernel(x.narrow(0, 3, 1));
    EXPECT_TRUE(at::equal(both, one));
    EXPECT_LT(difference(one.narrow(0, 3, 1), alone), rounding);
  });
  at::set_num_threads(threads);
}

TEST(Conv2dEntries, KeepWhatIsNotANumber) {
  const Conv2dSpec spec = conv_spec(32, 32);
  const GroupNormSpec norm_spec{at::ones({32}), at::zeros({32}), 32, 1e-5, true};
  const auto norm = group_norm_entries().back().make(norm_spec, policy());
  at::Tensor x = numbers({1, 32, 8, 8}, 1).contiguous(kLast);
  x.select(1, 5).fill_(NAN);
  for_each_entry(spec, [&](const Conv2dKernel& kernel, double) {
    EXPECT_TRUE(at::isnan(kernel(x)).all().item<bool>());
    EXPECT_TRUE(at::isnan(kernel(Conv2dInputs{.x = x, .relu = true})).all().item<bool>());
    EXPECT_TRUE(at::isnan(kernel(Conv2dInputs{.x = x, .norm = norm.get()})).all().item<bool>());
  });
}

TEST(Conv2dEntries, InBfloat16AreNotChosenWhereFewOutputsAreAskedFor) {
  if (probe_isa() < Isa::kAvx512Bf16) GTEST_SKIP() << "this processor has no products of bfloat16";
  const KernelPolicy coarse{.isa = probe_isa(), .bf16_convolutions = true};
  const at::Tensor x = numbers({1, 40, 8, 8}, 1).contiguous(kLast);
  for (const int64_t out : {3, 32}) {
    const Conv2dSpec spec = conv_spec(40, out);
    const at::Tensor chosen = (*choose_kernel(conv2d_entries(), spec, coarse))(x);
    const at::Tensor precise = (*choose_kernel(conv2d_entries(), spec, policy()))(x);
    EXPECT_EQ(at::equal(chosen, precise), out == 3);
  }
}

TEST(Conv2dEntries, TakeInputsWithoutPictures) {
  for_each_entry(conv_spec(32, 32), [](const Conv2dKernel& kernel, double) {
    EXPECT_EQ(kernel(at::zeros({0, 32, 8, 8})).sizes(), at::IntArrayRef({0, 32, 8, 8}));
  });
}

}  // namespace
}  // namespace sd::test
