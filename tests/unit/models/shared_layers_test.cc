// Networks of one source whose layers are the same: what the second takes from the first.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/layers.h"

namespace sd {
using namespace nn;
using namespace runtime;
using namespace weights;

namespace {

class SharedLayers : public testing::Test {
 protected:
  SharedLayers() {
    const auto values = [](std::vector<int64_t> shape) {
      return at::linspace(-1, 1, c10::multiply_integers(shape)).view(shape).to(at::kHalf);
    };
    const std::map<std::string, at::Tensor> tensors = {
        {"linear.weight", values({2, 3})},     {"linear.bias", values({2})},
        {"conv.weight", values({2, 3, 3, 3})}, {"conv.bias", values({2})},
        {"map.weight", values({2, 3, 1, 1})},  {"map.bias", values({2})},
        {"geglu.weight", values({4, 3})},      {"geglu.bias", values({4})}};
    source_ = {.file = std::make_shared<const Checkpoint>("memory", tensors),
               .shelf = std::make_shared<WeightShelf>()};
  }

  WeightView view(const std::shared_ptr<LoadReport>& report, const char* scope) const {
    return WeightView(source_, report)[scope];
  }
  std::shared_ptr<LoadReport> report() const {
    return WeightView::make_report("memory", *source_.file);
  }

  /// Makes the layer twice and compares what both give for x.
  template <class Make>
  void expect_one_reading(const char* scope, const at::Tensor& x, const Make& make) const {
    SCOPED_TRACE(scope);
    const auto first_report = report(), second_report = report();
    const auto first = make(view(first_report, scope));
    const auto second = make(view(second_report, scope));
    EXPECT_EQ(first_report->asked().size(), 2U);
    EXPECT_TRUE(second_report->asked().empty());
    EXPECT_TRUE(at::equal(first(x), second(x)));
  }

  const KernelPolicy kernels_{.plain = true};
  PartSource source_;
};

TEST_F(SharedLayers, ReadTheirWeightsOnce) {
  const at::Tensor tokens = at::linspace(0, 1, 12).view({1, 4, 3});
  const at::Tensor picture =
      at::linspace(0, 1, 48).view({1, 3, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  expect_one_reading("linear", tokens,
                     [&](const WeightView& view) { return Linear(view, 3, 2, kernels_); });
  expect_one_reading("map", tokens, [&](const WeightView& view) {
    return Linear::of_conv1x1(view, 3, 2, kernels_);
  });
  expect_one_reading("geglu", tokens,
                     [&](const WeightView& view) { return Geglu(view, 3, 2, kernels_); });
  for (const int64_t kernel : {1, 3}) {
    expect_one_reading(kernel == 1 ? "map" : "conv", picture, [&](const WeightView& view) {
      return Conv2d(view, {.in = 3, .out = 2, .kernel = kernel, .padding = kernel / 2}, kernels_);
    });
  }
}

}  // namespace
}  // namespace sd
