// The kernels for cards, thread by thread on the processor, against ATen and double precision. What
// this cannot show is how a card schedules them: a barrier that is missing, say.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>

#include "kernels/table.h"
#include "support/cuda_emulator.h"
#include "support/mixes.h"

namespace sd::test {
using namespace kernels;
using namespace runtime;

namespace {

at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::TensorOptions(at::kFloat));
}

/// Group norm in double precision.
at::Tensor exact_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      int64_t groups, bool silu) {
  const at::Tensor y = at::group_norm(x.to(at::kDouble).contiguous(), groups,
                                      weight.to(at::kDouble), bias.to(at::kDouble), 1e-5);
  return silu ? at::silu(y) : y;
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  const double most = (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
  return std::isnan(most) ? INFINITY : most;
}

struct Shape {
  int64_t n, channels, height, width;
  int groups;
};

const Shape kShapes[] = {
    {1, 32, 1, 1, 32},   {2, 320, 9, 7, 32},   {1, 640, 16, 16, 32}, {3, 48, 5, 3, 16},
    {1, 30, 13, 11, 5},  {2, 7, 31, 1, 7},     {1, 2560, 3, 3, 32},  {1, 4096, 2, 2, 32},
    {1, 33, 40, 41, 11}, {2, 128, 65, 67, 32}, {1, 1000, 2, 3, 8},
};

template <class T>
void check_norm(at::ScalarType type, double tolerance) {
  for (const Shape& shape : kShapes) {
    const at::Tensor weight = random({shape.channels}, 1), bias = random({shape.channels}, 2);
    const at::Tensor x =
        (random({shape.n, shape.channels, shape.height, shape.width}, 3) * 2 + 1).to(type);
    for (const bool silu : {false, true}) {
      for (const bool packs : {false, true}) {
        EmulatedNorm<T> norm(x, weight, bias, shape.groups, silu, packs);
        const at::Tensor y = norm.run();
        const at::Tensor expected = exact_norm(x, weight, bias, shape.groups, silu);
        EXPECT_LE(difference(y, expected), tolerance * (1 + expected.abs().max().item<double>()))
            << x.sizes() << " groups " << shape.groups << " silu " << silu << " packs " << packs;
      }
    }
  }
}

TEST(CudaGroupNorm, IsExactInFloat) { check_norm<float>(at::kFloat, 1e-6); }
TEST(CudaGroupNorm, IsRoundedOnceInHalf) { check_norm<c10::Half>(at::kHalf, 5e-4); }
TEST(CudaGroupNorm, IsRoundedOnceInBfloat16) { check_norm<c10::BFloat16>(at::kBFloat16, 4e-3); }

TEST(CudaGroupNorm, KeepsItsDigitsWhereTheMeanIsLarge) {
  const at::Tensor weight = at::ones({64}), bias = at::zeros({64});
  const at::Tensor x = random({2, 64, 33, 31}, 4) + 300;
  EmulatedNorm<float> norm(x, weight, bias, 8, /*silu=*/false, /*packs=*/true);
  // What float32 holds of x - 300 has an error of 1.5e-5.
  EXPECT_LE(difference(norm.run(), exact_norm(x, weight, bias, 8, false)), 1e-4);
}

TEST(CudaGroupNorm, OfOneValueIsItsBias) {
  const at::Tensor weight = random({32}, 1), bias = random({32}, 2);
  EmulatedNorm<float> norm(at::full({1, 32, 4, 4}, 7.25), weight, bias, 4, false, true);
  EXPECT_TRUE(at::equal(norm.run(), bias.reshape({1, 32, 1, 1}).expand({1, 32, 4, 4})));
}

TEST(CudaGroupNorm, GivesItsAffineAsTheLastRowDoes) {
  const at::Tensor weight = random({96}, 1), bias = random({96}, 2);
  const at::Tensor x = random({2, 96, 10, 10}, 3).contiguous(at::MemoryFormat::ChannelsLast);
  EmulatedNorm<float> norm(x, weight, bias, 32, /*silu=*/true, /*packs=*/true);
  norm.run();
  const auto aten = group_norm_entries().back().make({weight, bias, 32, 1e-5, true}, {});
  const ChannelAffine expected = aten->affine(x);
  const auto applied = [&](const at::Tensor& mean, const at::Tensor& scale,
                           const at::Tensor& shift) {
    const auto by_channel = [](const at::Tensor& v) { return v.unsqueeze(-1).unsqueeze(-1); };
    return (x - by_channel(mean)) * by_channel(scale) + by_channel(shift);
  };
  EXPECT_LE(difference(applied(norm.affine[0], norm.affine[1], norm.affine[2]),
                       applied(expected.mean, expected.scale, expected.shift)),
            1e-5);
}

TEST(CudaGroupNorm, IsTheSameNormOnEveryCard) {
  const at::Tensor weight = random({320}, 1), bias = random({320}, 2);
  const at::Tensor x = random({3, 320, 25, 31}, 3);
  const at::Tensor expected = exact_norm(x, weight, bias, 32, /*silu=*/true);
  for (const int processors : {1, 14, 68, 128, 132, 148}) {
    EmulatedNorm<float> norm(x, weight, bias, 32, true, true, processors);
    EXPECT_LE(difference(norm.run(), expected), 5e-6) << processors;
  }
}

TEST(CudaGroupNorm, LetsWhatIsNoNumberThroughInItsGroupOnly) {
  const at::Tensor weight = at::ones({64}), bias = at::zeros({64});
  for (const float wrong : {NAN, INFINITY, -INFINITY}) {
    at::Tensor x = random({2, 64, 9, 9}, 4);
    x[1][17][3][3] = wrong;  // of the third of eight groups
    EmulatedNorm<float> norm(x, weight, bias, 8, /*silu=*/true, /*packs=*/true);
    const at::Tensor lost = at::isnan(norm.run());
    EXPECT_FALSE(lost[0].any().item<bool>());
    EXPECT_TRUE(lost[1].slice(0, 16, 24).all().item<bool>()) << wrong;
    EXPECT_EQ(lost[1].sum().item<int64_t>(), 8 * 81) << wrong;
  }
}

TEST(CudaGroupNorm, FitsABlockForEveryShape) {
  for (int channels = 1; channels <= cuda::kNormMostChannels; ++channels) {
    for (const int width : {1, 4, 8}) {
      if (channels % width != 0) continue;
      for (const int64_t pixels : {int64_t{1}, int64_t{63}, int64_t{4096}, int64_t{1} << 22}) {
        const int groups = channels % 32 == 0 ? 32 : std::min(channels, cuda::kNormMostGroups);
        const int processors = channels % 150 + 1;
        const cuda::NormLayout layout =
            cuda::norm_layout({channels, groups, pixels, channels % 7 + 1}, width, processors);
        ASSERT_GE(layout.threads(), 1);
        ASSERT_LE(layout.threads(), cuda::kNormThreads);
        ASSERT_GE(layout.slots, 1);
        ASSERT_LE(layout.sums_floats(channels) * sizeof(float), 48U << 10) << channels;
        ASSERT_LE(layout.groups_floats(groups) * sizeof(float), 48U << 10) << channels;
        ASSERT_LE(layout.chunks, 128);  // and every pixel in one chunk:
        ASSERT_GE(layout.chunks * layout.chunk, pixels);
        ASSERT_LT((layout.chunks - 1) * layout.chunk, pixels);
      }
    }
  }
}

TEST(CudaGroupNorm, GivesEachProcessorABlockWhereThereIsEnoughToDo) {
  for (const int processors : {68, 82, 128, 132}) {
    for (const int64_t side : {64, 32}) {
      const cuda::NormLayout layout =
          cuda::norm_layout({320, 32, side * side, 2}, cuda::kPackWidth<c10::Half>, processors);
      if (side == 64) {
        EXPECT_GE(2 * layout.chunks, processors);
      }
      EXPECT_GE(2 * layout.chunks, 80) << "of 2 pixels a thread and of 1024 pixels";
    }
  }
}

TEST(FloatPairs, HaveTwiceTheDigits) {
  cuda::FloatPair sum;
  double exact = 0;
  for (int i = 1; i <= 1000; ++i) {
    const float term = 1.0F / static_cast<float>(i);
    sum = cuda::pair_add(sum, {term, 0});
    exact += term;
  }
  EXPECT_NEAR(double{sum.high} + sum.low, exact, 1e-12);
  const cuda::FloatPair third = cuda::pair_of(1.0 / 3.0);
  EXPECT_NEAR(double{third.high} + third.low, 1.0 / 3.0, 1e-14);
  const cuda::FloatPair product = cuda::pair_multiply(sum, third);
  EXPECT_NEAR(double{product.high} + product.low, exact / 3, 1e-12);
}

template <class T>
void check_geglu(at::ScalarType type, double tolerance) {
  for (const auto& [rows, columns] :
       {std::pair<int64_t, int64_t>(1, 1), {3, 7}, {5, 64}, {17, 1280}, {2, 12}, {9, 1000}}) {
    const at::Tensor x = (random({rows, 2 * columns}, 5) * 3).to(type);
    const auto halves = x.to(at::kDouble).chunk(2, -1);
    const at::Tensor expected = halves[0] * at::gelu(halves[1]);
    for (const bool packs : {false, true}) {
      const at::Tensor y = emulated_geglu<T, uint32_t>(x, packs);
      // Against the factors: 1 + erf loses digits where the gate is shut.
      const at::Tensor scale = halves[0].abs() * (1 + halves[1].abs()) + 1e-4;
      const at::Tensor error = (y.to(at::kDouble) - expected).abs() / scale;
      EXPECT_TRUE(at::equal((emulated_geglu<T, int64_t>(x, packs)), y)) << x.sizes();
      EXPECT_LE(error.max().template item<double>(), tolerance) << x.sizes() << " packs " << packs;
    }
  }
}

TEST(CudaGeglu, IsExactInFloat) { check_geglu<float>(at::kFloat, 3e-7); }
TEST(CudaGeglu, IsRoundedOnceInHalf) { check_geglu<c10::Half>(at::kHalf, 5e-4); }
TEST(CudaGeglu, IsRoundedOnceInBfloat16) { check_geglu<c10::BFloat16>(at::kBFloat16, 4e-3); }

TEST(CudaGeglu, CountsIn32BitsWhereAllPlacesFit) {
  cuda::GegluJob<float> job{.x = nullptr, .y = nullptr, .rows = 1 << 20, .columns = 1 << 9};
  EXPECT_TRUE(cuda::geglu_is_small(job));  // 2^30 values of x
  job.rows *= 2;
  EXPECT_FALSE(cuda::geglu_is_small(job));
}

TEST(CudaGeglu, LetsWhatIsNoNumberThrough) {
  at::Tensor x = random({3, 32}, 5);
  x[1][3] = NAN;       // a value
  x[2][16 + 5] = NAN;  // a gate
  const at::Tensor lost = at::isnan(emulated_geglu<float, uint32_t>(x, /*packs=*/true));
  EXPECT_TRUE(lost[1][3].item<bool>() && lost[2][5].item<bool>());
  EXPECT_EQ(lost.sum().item<int64_t>(), 2);
}

/// Each of what may be added, and none; [N, C] and [1, C] to every pixel.
template <class T>
void check_conv_tail(at::ScalarType type, double tolerance) {
  for (const auto& [n, channels, height, width] : {std::array<int64_t, 4>{1, 1, 1, 1},
                                                   {2, 320, 5, 7},
                                                   {3, 7, 4, 3},
                                                   {1, 12, 9, 1},
                                                   {2, 8, 6, 6}}) {
    for (int kinds = 0; kinds < 16; ++kinds) {
      const auto perhaps = [&](int bit, at::IntArrayRef shape) {
        return (kinds & bit) != 0 ? random(shape, 10 + bit).to(type) : at::Tensor();
      };
      const at::Tensor y = random({n, channels, height, width}, 5)
                               .to(type)
                               .contiguous(at::MemoryFormat::ChannelsLast);
      const at::Tensor bias = perhaps(1, {channels});
      const at::Tensor added = perhaps(2, {(kinds & 8) != 0 ? n : 1, channels});
      at::Tensor residual = perhaps(4, {n, channels, height, width});
      at::Tensor exact = y.to(at::kDouble);
      if (bias.defined()) exact = exact + bias.to(at::kDouble).reshape({1, -1, 1, 1});
      if (added.defined()) exact = exact + added.to(at::kDouble).unsqueeze(-1).unsqueeze(-1);
      if (residual.defined()) {
        residual = residual.contiguous(at::MemoryFormat::ChannelsLast);
        exact = exact + residual.to(at::kDouble);
      }
      for (const bool packs : {false, true}) {
        const auto found = emulated_conv_tail<T, uint32_t>(y, bias, added, residual, packs);
        EXPECT_LE(difference(found, exact), tolerance * (1 + exact.abs().max().item<double>()))
            << y.sizes() << " kinds " << kinds << " packs " << packs;
        EXPECT_TRUE(
            at::equal((emulated_conv_tail<T, int64_t>(y, bias, added, residual, packs)), found));
      }
    }
  }
}

TEST(CudaConvTail, IsExactInFloat) { check_conv_tail<float>(at::kFloat, 3e-7); }
TEST(CudaConvTail, IsRoundedOnceInHalf) { check_conv_tail<c10::Half>(at::kHalf, 5e-4); }
TEST(CudaConvTail, IsRoundedOnceInBfloat16) { check_conv_tail<c10::BFloat16>(at::kBFloat16, 4e-3); }

TEST(CudaConvTail, MakesWhatIsBelowZeroZeroAtLast) {
  at::Tensor y = random({2, 24, 5, 3}, 5).contiguous(at::MemoryFormat::ChannelsLast);
  y[1][2][3][1] = NAN;
  const at::Tensor bias = random({24}, 7);
  const at::Tensor expected = at::relu(y + bias.reshape({1, -1, 1, 1}));
  for (const bool packs : {false, true}) {
    const auto found = emulated_conv_tail<float, uint32_t>(y, bias, {}, {}, packs, /*relu=*/true);
    EXPECT_TRUE(at::allclose(found, expected, 1e-6, 1e-6, /*equal_nan=*/true)) << packs;
  }
}

TEST(CudaConvTail, LetsWhatIsNoNumberThroughWhereItIs) {
  const auto last = [](const at::Tensor& x) {
    return x.contiguous(at::MemoryFormat::ChannelsLast);
  };
  at::Tensor y = last(random({2, 16, 3, 3}, 5)), residual = last(random({2, 16, 3, 3}, 6));
  y[0][2][1][1] = NAN;
  residual[1][3][0][2] = NAN;
  const at::Tensor bias = random({16}, 7);
  const at::Tensor lost =
      at::isnan(emulated_conv_tail<float, uint32_t>(y, bias, {}, residual, /*packs=*/true));
  EXPECT_TRUE(lost[0][2][1][1].item<bool>() && lost[1][3][0][2].item<bool>());
  EXPECT_EQ(lost.sum().item<int64_t>(), 2);
}

TEST(CudaConvTail, CountsIn32BitsWhereAllPlacesFit) {
  cuda::ConvTailJob<float> job{};
  job.pictures = 1, job.pixels = 1 << 22, job.channels = 256;
  EXPECT_TRUE(job.is_small());
  job.pictures = 2;
  EXPECT_FALSE(job.is_small());
}

TEST(CudaMix, IsItsFormulaAsAtensIs) {
  const auto aten = mix_entries().back().make({}, {});
  for (const auto& [weights, divisor] : mix_weights()) {
    for (const int64_t side : {1, 7, 64}) {
      SCOPED_TRACE(std::to_string(weights.size()) + " terms, side " + std::to_string(side));
      const std::vector<MixTerm> terms = mix_terms(weights, 3, side);
      at::Tensor exact = at::zeros_like(terms[0].x, at::kDouble);
      for (const MixTerm& term : terms) exact += term.weight * term.x.to(at::kDouble);
      exact /= divisor;
      EXPECT_LE(difference(emulated_mix(terms, divisor), exact), 2e-5);
      EXPECT_LE(difference((*aten)(terms, divisor), exact), 2e-5);
    }
  }
}

TEST(Mix, LeavesTermsOfWeightZeroOutAndTakesDoubles) {
  const auto aten = mix_entries().back().make({}, {});
  const at::Tensor x = random({2, 3}, 1);
  EXPECT_TRUE(at::equal((*aten)({{0, at::Tensor()}, {1, x}, {0, x * NAN}}), x));
  EXPECT_TRUE(at::equal((*aten)({{0, x}, {0, at::Tensor()}}), at::zeros({2, 3})));
  const at::Tensor wide = x.to(at::kDouble);
  EXPECT_TRUE(at::equal((*aten)({{0.1, wide}, {0.2, wide}}, 3), (0.1 * wide + 0.2 * wide) / 3));
}

TEST(CudaGuide, IsItsFormulaAsAtensIs) {
  for (const int64_t pictures : {1, 3}) {
    for (const int64_t side : {1, 7, 64}) {
      for (const bool guided : {true, false}) {
        SCOPED_TRACE(std::to_string(pictures) + " of side " + std::to_string(side));
        const at::Tensor scales = guided ? random({pictures}, 9) * 5 : at::Tensor();
        const GuideInputs inputs = guide_inputs(pictures, side, guided);
        at::Tensor eps = inputs.answer.to(at::kDouble);
        if (guided) {
          const auto halves = eps.chunk(2);
          eps = halves[0] + scales.reshape({-1, 1, 1, 1}) * (halves[1] - halves[0]);
        }
        const at::Tensor x0 = (inputs.x - inputs.sigma * eps) / inputs.alpha;
        for (const GuidedAnswer& answer : {emulated_guide(inputs, scales),
                                           (*guide_entries().back().make({scales}, {}))(inputs)}) {
          EXPECT_LE(difference(answer.eps, eps), 2e-5);
          EXPECT_LE(difference(answer.x0, x0), 5e-5);
        }
      }
    }
  }
}

TEST(CudaEntries, AreForTensorsOnCardsOnly) {
  const KernelPolicy on_card{.isa = probe_isa(), .device = DeviceKind::kCuda};
  const auto names = [](const auto& entries, DeviceKind device) {
    std::vector<std::string> found;
    for (const auto& entry : entries) {
      if (entry.device == device) found.emplace_back(entry.name);
    }
    return found;
  };
  EXPECT_EQ(names(conv2d_entries(), DeviceKind::kCuda), std::vector<std::string>{"fused-cuda"});
  EXPECT_EQ(names(group_norm_entries(), DeviceKind::kCuda), std::vector<std::string>{"fused-cuda"});
  EXPECT_EQ(names(geglu_entries(), DeviceKind::kCuda), std::vector<std::string>{"fused-cuda"});
  EXPECT_EQ(names(guide_entries(), DeviceKind::kCuda), std::vector<std::string>{"fused-cuda"});
  EXPECT_EQ(names(mix_entries(), DeviceKind::kCuda), std::vector<std::string>{"fused-cuda"});
  // Without our library, and for what it has no kernel for, a card gets the last entry: it works on
  // tensors of any type, which the processor's entries do not.
  const at::Tensor weight = random({8, 8, 3, 3}, 1).to(at::kDouble);
  const auto conv = choose_kernel(conv2d_entries(), {weight, {}, 1, 1}, on_card);
  EXPECT_EQ((*conv)(random({1, 8, 5, 5}, 2).to(at::kDouble)).scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace sd::test
