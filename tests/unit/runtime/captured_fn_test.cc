#include "runtime/captured_fn.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/repeating_recorder.h"

namespace sd::test {
using namespace runtime;

namespace {

/// sum of inputs · sum of held, into memory that a recording keeps.
struct Product {
  int calls = 0;
  std::vector<const void*> places;  // of the first input, call by call

  CapturedFn::Fn fn() {
    return [this](const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& held) {
      ++calls;
      places.push_back(inputs[0].const_data_ptr());
      at::Tensor y = inputs[0] * inputs[1];
      for (const at::Tensor& x : held) y = y * x;
      return y;
    };
  }
};

at::Tensor numbers(std::vector<double> values) {
  return at::tensor(values, at::TensorOptions(at::kDouble));
}

void expect_values(const at::Tensor& x, const std::vector<double>& values) {
  EXPECT_TRUE(at::equal(x, numbers(values))) << x;
}

TEST(CapturedFn, WithoutARecorderCallsTheFunction) {
  Product product;
  CapturedFn captured(product.fn(), nullptr);
  const at::Tensor x = numbers({2, 3});
  expect_values(captured({x, x}, {numbers({10, 10})}), {40, 90});
  EXPECT_EQ(captured.size(), 0U);
  EXPECT_EQ(product.places.back(), x.const_data_ptr());  // nothing is copied
}

TEST(CapturedFn, ReplaysOnNewArgumentsInMemoryOfItsOwn) {
  int recordings = 0;
  Product product;
  CapturedFn captured(product.fn(), repeating(&recordings));
  const at::Tensor held = numbers({10, 100});
  const at::Tensor first = captured({numbers({1, 2}), numbers({3, 4})}, {held});
  const at::Tensor x = numbers({5, 6});
  const at::Tensor second = captured({x, numbers({7, 8})}, {held});
  expect_values(first, {30, 800});  // not overwritten by the second
  expect_values(second, {350, 4800});
  EXPECT_EQ(recordings, 1);
  for (const void* place : product.places) EXPECT_EQ(place, product.places.front());
  EXPECT_NE(product.places.front(), x.const_data_ptr());
}

TEST(CapturedFn, CopiesWhatIsHeldWhenItIsAnotherTensor) {
  int recordings = 0;
  Product product;
  CapturedFn captured(product.fn(), repeating(&recordings));
  const at::Tensor x = numbers({1});
  at::Tensor held = numbers({10});
  expect_values(captured({x, x}, {held}), {10});
  held = numbers({20});
  expect_values(captured({x, x}, {held}), {20});
  expect_values(captured({x, x}, {held}), {20});
  expect_values(captured({x, x}, {numbers({30})}), {30});
  expect_values(captured({x, x}, {held}), {20});
  EXPECT_EQ(recordings, 1);
}

TEST(CapturedFn, RecordsEachFormOfItsArguments) {
  int recordings = 0;
  Product product;
  CapturedFn captured(product.fn(), repeating(&recordings));
  const at::Tensor square = at::ones({2, 2}, at::kDouble);
  captured({numbers({1}), numbers({1})});
  captured({numbers({1, 2}), numbers({1, 2})});                                // another shape
  captured({numbers({1, 2}).to(at::kFloat), numbers({1, 2}).to(at::kFloat)});  // another type
  captured({numbers({1}), numbers({1})});
  EXPECT_EQ(recordings, 3);
  captured({square, square});
  EXPECT_EQ(recordings, 4);
  captured({square, square}, {square});  // a held one more
  EXPECT_EQ(recordings, 5);
}

TEST(CapturedFn, TakesViewsOfAnyStrides) {
  int recordings = 0;
  Product product;
  CapturedFn captured(product.fn(), repeating(&recordings));
  const at::Tensor x = at::arange(4, at::kDouble).reshape({2, 2});
  const at::Tensor row = at::arange(2, at::kDouble).expand({2, 2});
  for (const at::Tensor& view : {x, x.t(), row}) {
    EXPECT_TRUE(at::equal(captured({view, x}, {row}), view * x * row));
    EXPECT_TRUE(at::equal(captured({x, x}, {view}), x * x * view));
  }
  EXPECT_EQ(recordings, 1);
}

TEST(CapturedFn, DropsWhatWasNotUsedForLongest) {
  int recordings = 0;
  Product product;
  CapturedFn captured(product.fn(), repeating(&recordings), /*most=*/2);
  const auto call = [&](int64_t size) {
    const at::Tensor x = at::full({size}, 3.0, at::kDouble);
    EXPECT_TRUE(at::equal(captured({x, x}), x * x));
  };
  call(1);
  call(2);
  call(1);
  EXPECT_EQ(recordings, 2);
  call(3);  // drops 2
  EXPECT_EQ(captured.size(), 2U);
  call(1);
  EXPECT_EQ(recordings, 3);
  call(2);  // drops 3
  EXPECT_EQ(recordings, 4);
  EXPECT_EQ(captured.size(), 2U);
}

TEST(CapturedFn, GoesOnWithoutRecordingWhereThatFails) {
  int tries = 0;
  Product product;
  CapturedFn captured(product.fn(), [&](const std::function<void()>&) {
    ++tries;
    TORCH_CHECK(false, "operation not permitted when stream is capturing");
    return std::unique_ptr<Recording>();
  });
  const at::Tensor x = numbers({2});
  expect_values(captured({x, x}), {4});
  expect_values(captured({x, numbers({5})}), {10});
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(captured.size(), 0U);
}

TEST(CapturedFn, WithoutMemoryDropsItsRecordingsAndRecordsAgainLater) {
  Product product;
  int recordings = 0;
  bool scarce = false;
  const Recorder recorder = [&,
                             repeat = repeating(&recordings)](const std::function<void()>& work) {
    TORCH_CHECK_WITH(OutOfMemoryError, !scarce, "none left");
    return repeat(work);
  };
  CapturedFn captured(product.fn(), recorder);
  const at::Tensor x = numbers({2, 3}), longer = numbers({1, 2, 3});
  captured({x, x});
  scarce = true;
  EXPECT_THROW(captured({longer, longer}), c10::OutOfMemoryError);
  EXPECT_EQ(captured.size(), 0U);
  scarce = false;
  expect_values(captured({x, x}), {4, 9});
  EXPECT_EQ(captured.size(), 1U);
  EXPECT_EQ(recordings, 2);
}

TEST(CapturedFn, WithoutMemoryTriesOnceMoreInThatOfItsRecordings) {
  Product product;
  int recordings = 0, failures = 0;
  const Recorder recorder = [&,
                             repeat = repeating(&recordings)](const std::function<void()>& work) {
    TORCH_CHECK_WITH(OutOfMemoryError, failures-- <= 0, "none left");
    return repeat(work);
  };
  CapturedFn captured(product.fn(), recorder);
  const at::Tensor x = numbers({2, 3}), longer = numbers({1, 2, 3});
  captured({x, x});
  failures = 1;
  expect_values(captured({longer, longer}), {1, 4, 9});
  EXPECT_EQ(captured.size(), 1U) << "the first is gone";
  EXPECT_EQ(recordings, 2);
}

TEST(CapturedFn, ThrowsWhatACardSaysOfItsOwnTrouble) {
  constexpr int kLost = 214, kInCapture = 900;
  for (const int code : {kLost, kInCapture}) {
    Product product;
    CapturedFn captured(product.fn(),
                        [&](const std::function<void()>&) -> std::unique_ptr<Recording> {
                          throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, code,
                                                      "CUDA error: of a card");
                        });
    const at::Tensor x = numbers({2});
    if (code == kLost) {
      EXPECT_THROW(captured({x, x}), c10::AcceleratorError);
    } else {
      expect_values(captured({x, x}), {4});
    }
    EXPECT_EQ(captured.size(), 0U);
  }
}

TEST(CapturedFn, AFailureThatIsNotTheRecordersStays) {
  int recordings = 0;
  CapturedFn captured(
      [](const std::vector<at::Tensor>&, const std::vector<at::Tensor>&) -> at::Tensor {
        throw std::runtime_error("stopped");
      },
      repeating(&recordings));
  EXPECT_THROW(captured({numbers({1})}), std::runtime_error);
  EXPECT_EQ(captured.size(), 0U);
  EXPECT_THROW(captured({numbers({1})}), std::runtime_error);
  EXPECT_EQ(recordings, 2);
}

TEST(CudaGraphRecorder, IsNotThereWithoutTheLibrary) {
  EXPECT_FALSE(cuda_graph_recorder(at::Device(at::kCUDA, 0)));
}

}  // namespace
}  // namespace sd::test
