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
        {"geglu.weight", values({4, 3})},      {"geglu.bias", values({4})},
        {"both.a.weight", values({2, 3})},     {"both.a.bias", values({2})},
        {"both.b.weight", values({5, 3})},     {"both.b.bias", values({5})}};
    source_ = {.file = std::make_shared<const Checkpoint>("memory", tensors),
               .shelf = std::make_shared<WeightShelf>()};
  }

  WeightView view(const std::shared_ptr<LoadReport>& report, const char* scope) const {
    return WeightView(source_, report)[scope];
  }
  std::shared_ptr<LoadReport> report() const {
    return WeightView::make_report("memory", *source_.file);
  }

  /// The maps `both.a` and `both.b` as one.
  Linear join(const WeightView& view, bool bias = true) const {
    return Linear::join(view["joined"], {{view["a"], 2}, {view["b"], 5}}, 3, kernels_, bias);
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

TEST_F(SharedLayers, JoinedGiveTheirResultsSideBySide) {
  const at::Tensor x = at::linspace(-1, 2, 12).view({1, 4, 3});
  for (const bool bias : {true, false}) {
    const WeightView both = view(report(), "both");
    const at::Tensor expected = at::cat(
        {Linear(both["a"], 3, 2, kernels_, bias)(x), Linear(both["b"], 3, 5, kernels_, bias)(x)},
        -1);
    // (A source without a shelf: one with biases would be taken for one without.)
    const WeightView alone = WeightView(PartSource{.file = source_.file}, report())["both"];
    EXPECT_TRUE(at::allclose(join(alone, bias)(x), expected, 1e-6, 1e-6)) << bias;
  }
}

TEST_F(SharedLayers, JoinedAreTakenFromAnotherNetworkUnlessOneIsEdited) {
  const at::Tensor x = at::linspace(-1, 2, 12).view({1, 4, 3});
  const auto first_report = report(), second_report = report(), third_report = report();
  const Linear first = join(view(first_report, "both"));
  const Linear second = join(view(second_report, "both"));
  EXPECT_EQ(first_report->asked().size(), 4U);
  EXPECT_TRUE(second_report->asked().empty());
  EXPECT_TRUE(at::equal(first(x), second(x)));
  PartSource edited = source_;
  edited.edits.push_back({[](std::string_view name) { return name == "both.b.weight"; },
                          [](std::string_view, const at::Tensor& values) { return values * 2; }});
  const at::Tensor changed = join(WeightView(edited, third_report)["both"])(x);
  EXPECT_TRUE(at::equal(changed.slice(-1, 0, 2), first(x).slice(-1, 0, 2)));
  EXPECT_FALSE(at::allclose(changed.slice(-1, 2), first(x).slice(-1, 2)));
}

}  // namespace
}  // namespace sd
