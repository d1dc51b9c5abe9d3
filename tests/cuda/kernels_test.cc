// Our kernels on the card against ATen's entries in double precision on the processor, and against
// what the processor does thread by thread.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>

#include "cuda/card.h"
#include "kernels/table.h"
#include "pipeline/picture_tensor.h"
#include "runtime/staged_upload.h"
#include "runtime/upload.h"
#include "support/cuda_emulator.h"
#include "support/mixes.h"

namespace sd::test {
using namespace kernels;
using namespace runtime;

namespace {

const KernelPolicy kOnCard{.isa = probe_isa(), .device = DeviceKind::kCuda};

struct Type {
  at::ScalarType type;
  double rounding;  ///< of one value near 1
};
const Type kTypes[] = {{at::kFloat, 1e-6}, {at::kHalf, 5e-4}, {at::kBFloat16, 4e-3}};

at::Tensor on_card(const at::Tensor& x, at::ScalarType type) { return x.to(type).to(kCard); }

/// That of the entry for cards, which must fit.
template <class Kernel, class Spec>
std::unique_ptr<const Kernel> own_kernel(std::span<const KernelEntry<Kernel, Spec>> entries,
                                         const Spec& spec) {
  for (const auto& candidate : entries) {
    if (candidate.device == DeviceKind::kCuda) return candidate.make(spec, kOnCard);
  }
  return nullptr;
}

TEST(CudaKernels, GroupNorm) {
  SD_NEEDS_CARD();
  const std::vector<std::pair<std::vector<int64_t>, int64_t>> shapes = {
      {{6, 320, 64, 64}, 32}, {{2, 1280, 8, 8}, 32}, {{1, 128, 512, 512}, 32},
      {{2, 960, 32, 32}, 32}, {{3, 30, 13, 11}, 5},  {{1, 33, 40, 41}, 11},
      {{1, 4096, 2, 2}, 32}};
  for (const auto& [shape, groups] : shapes) {
    const at::Tensor weight = random({shape[1]}, 1), bias = random({shape[1]}, 2);
    const at::Tensor x = random(shape, 3) * 2 + 1;
    for (const auto& [type, rounding] : kTypes) {
      for (const bool silu : {false, true}) {
        const at::Tensor given = x.to(type);
        at::Tensor exact = at::group_norm(given.to(at::kDouble), groups, weight.to(at::kDouble),
                                          bias.to(at::kDouble), 1e-5);
        if (silu) exact = at::silu(exact);
        const auto kernel =
            own_kernel(group_norm_entries(),
                       GroupNormSpec{weight.to(kCard), bias.to(kCard), groups, 1e-5, silu});
        ASSERT_NE(kernel, nullptr);
        const at::Tensor y = (*kernel)(given.to(kCard));
        EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
        EXPECT_LE(difference(y, exact), rounding * (1 + exact.abs().max().item<double>()))
            << x.sizes() << " " << type << " silu " << silu;
        EXPECT_TRUE(at::equal(y, (*kernel)(given.to(kCard)))) << "not the same twice";
      }
    }
  }
}

TEST(CudaKernels, GroupNormOfViewsThatAreNotAligned) {
  SD_NEEDS_CARD();
  const at::Tensor weight = random({64}, 1).to(kCard), bias = random({64}, 2).to(kCard);
  const auto kernel = own_kernel(group_norm_entries(), GroupNormSpec{weight, bias, 32, 1e-5, true});
  ASSERT_NE(kernel, nullptr);
  const at::Tensor memory = random({2 * 64 * 9 * 9 + 1}, 3).to(kCard);
  const at::Tensor x = memory.slice(0, 1).reshape({2, 9, 9, 64}).permute({0, 3, 1, 2});
  const auto aten = group_norm_entries().back().make({weight, bias, 32, 1e-5, true}, kOnCard);
  EXPECT_LE(difference((*kernel)(x), (*aten)(x)), 1e-5);
}

TEST(CudaKernels, GroupNormIsTheEmulatedOne) {
  SD_NEEDS_CARD();
  const at::Tensor weight = random({320}, 1), bias = random({320}, 2);
  const at::Tensor x = random({2, 320, 9, 7}, 3);
  const auto kernel = own_kernel(group_norm_entries(),
                                 GroupNormSpec{weight.to(kCard), bias.to(kCard), 32, 1e-5, false});
  ASSERT_NE(kernel, nullptr);
  EmulatedNorm<float> emulated(x, weight, bias, 32, false, true);
  // A card contracts products and sums: a last bit here and there.
  EXPECT_LE(difference((*kernel)(x.to(kCard)), emulated.run()), 2e-6);
}

TEST(CudaKernels, Geglu) {
  SD_NEEDS_CARD();
  for (const auto& [rows, depth, columns] :
       {std::tuple<int64_t, int64_t, int64_t>(8192, 320, 1280), {128, 1280, 5120}, {3, 16, 7}}) {
    const at::Tensor weight = random({2 * columns, depth}, 1) / std::sqrt(double(depth));
    const at::Tensor bias = random({2 * columns}, 2), x = random({rows, depth}, 3);
    for (const auto& [type, rounding] : kTypes) {
      const GegluSpec spec{on_card(weight, type), on_card(bias, type)};
      const auto kernel = own_kernel(geglu_entries(), spec);
      ASSERT_NE(kernel, nullptr);
      const auto aten = geglu_entries().back().make(spec, kOnCard);
      const at::Tensor y = (*kernel)(on_card(x, type));
      // ATen rounds the gate once more.
      EXPECT_LE(difference(y, (*aten)(on_card(x, type))),
                4 * rounding * (1 + y.abs().max().item<double>()))
          << x.sizes() << " " << type;
    }
  }
}

TEST(CudaKernels, Conv2dWithAllThatIsAddedToIt) {
  SD_NEEDS_CARD();
  for (const auto& [n, channels, side] :
       {std::array<int64_t, 3>{2, 320, 64}, {1, 128, 96}, {3, 30, 7}}) {
    const at::Tensor weight =
        random({channels, channels, 3, 3}, 1) / std::sqrt(9.0 * static_cast<double>(channels));
    const at::Tensor x = random({n, channels, side, side}, 2), bias = random({channels}, 3);
    for (const auto& [type, rounding] : kTypes) {
      const Conv2dSpec spec{on_card(weight, type), on_card(bias, type), 1, 1};
      const auto kernel = own_kernel(conv2d_entries(), spec);
      ASSERT_NE(kernel, nullptr);
      const auto aten = conv2d_entries().back().make(spec, kOnCard);
      for (const int64_t rows : {int64_t{1}, n}) {
        const Conv2dInputs inputs{.x = on_card(x, type),
                                  .channels = on_card(random({rows, channels}, 4), type),
                                  .residual = on_card(random(x.sizes(), 5), type)};
        const at::Tensor y = (*kernel)(inputs);
        EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
        // ATen rounds the sum three times.
        EXPECT_LE(difference(y, (*aten)(inputs)), 4 * rounding * (1 + y.abs().max().item<double>()))
            << x.sizes() << " " << type;
        EXPECT_LE(difference((*kernel)(inputs.x), (*aten)(inputs.x)),
                  4 * rounding * (1 + y.abs().max().item<double>()));
        const Conv2dInputs cut{.x = inputs.x, .relu = true};
        EXPECT_LE(difference((*kernel)(cut), (*aten)(cut)),
                  4 * rounding * (1 + y.abs().max().item<double>()));
      }
    }
  }
}

TEST(CudaKernels, Mix) {
  SD_NEEDS_CARD();
  const auto kernel = own_kernel(mix_entries(), MixSpec{});
  ASSERT_NE(kernel, nullptr);
  for (const auto& [weights, divisor] : mix_weights()) {
    for (const int64_t side : {7, 64}) {
      SCOPED_TRACE(weights.size());
      const std::vector<MixTerm> terms = mix_terms(weights, 3, side);
      std::vector<MixTerm> there = terms;
      for (MixTerm& term : there) term.x = term.x.to(kCard);
      there.insert(there.begin(), {0, at::Tensor()});
      const at::Tensor y = (*kernel)(std::span<const MixTerm>(there), divisor);
      EXPECT_LE(difference(y, emulated_mix(terms, divisor)), 2e-5);
      EXPECT_EQ(difference(y, (*kernel)(std::span<const MixTerm>(there), divisor)), 0);
    }
  }
}

TEST(CudaKernels, Guide) {
  SD_NEEDS_CARD();
  for (const int64_t pictures : {1, 3}) {
    for (const int64_t side : {7, 64}) {
      for (const bool guided : {true, false}) {
        const at::Tensor scales = guided ? random({pictures}, 2) * 5 : at::Tensor();
        const auto kernel =
            own_kernel(guide_entries(), GuideSpec{guided ? scales.to(kCard) : scales});
        ASSERT_NE(kernel, nullptr);
        const GuideInputs inputs = guide_inputs(pictures, side, guided);
        const GuidedAnswer answer =
            (*kernel)({inputs.answer.to(kCard), inputs.x.to(kCard), inputs.alpha, inputs.sigma});
        const GuidedAnswer emulated = emulated_guide(inputs, scales);
        EXPECT_LE(difference(answer.eps, emulated.eps), 2e-5);
        EXPECT_LE(difference(answer.x0, emulated.x0), 5e-5);
      }
    }
  }
}

TEST(CudaUpload, IsTheSameThere) {
  SD_NEEDS_CARD();
  const at::Tensor x = random({3, 4, 64, 64}, 1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(difference(upload(x + i, kCard), x + i), 0);
  EXPECT_EQ(difference(upload(x.narrow(0, 1, 1), kCard), x.narrow(0, 1, 1)), 0);
}

TEST(CudaUpload, ThroughTwoBuffersIsTheSameThere) {
  SD_NEEDS_CARD();
  StagedUpload staged(kCard);
  for (const int64_t values : {100, 1 << 20, (20 << 20) + 3}) {  // 32 MiB are a piece
    const at::Tensor x = random({values}, 1) * 100;
    for (const auto& [type, rounding] : kTypes) {
      EXPECT_TRUE(at::equal(staged(x, type).to(at::kCPU), x.to(type))) << values << " " << type;
    }
    EXPECT_TRUE(at::equal(staged(x.to(at::kHalf), at::kHalf).to(at::kCPU), x.to(at::kHalf)));
  }
}

TEST(CudaPicture, HasTheBytesThatTheProcessorMakes) {
  SD_NEEDS_CARD();
  at::Tensor picture = random({3, 96, 64}, 1);
  picture[0][1][2] = NAN;
  picture[2][3][4] = INFINITY;
  const Image there = pipeline::tensor_to_image(picture.to(kCard));
  EXPECT_EQ(there.rgb, pipeline::tensor_to_image(picture).rgb);
}

TEST(CudaKernels, EmptyTensors) {
  SD_NEEDS_CARD();
  const at::Tensor weight = random({32}, 1).to(kCard), bias = random({32}, 2).to(kCard);
  const auto norm = own_kernel(group_norm_entries(), GroupNormSpec{weight, bias, 32, 1e-5, false});
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ((*norm)(at::empty({0, 32, 4, 4}, weight.options())).numel(), 0);
  const auto gate = own_kernel(
      geglu_entries(), GegluSpec{random({8, 4}, 3).to(kCard), at::zeros({8}, weight.options())});
  ASSERT_NE(gate, nullptr);
  EXPECT_EQ((*gate)(at::empty({0, 4}, weight.options())).numel(), 0);
}

}  // namespace
}  // namespace sd::test
