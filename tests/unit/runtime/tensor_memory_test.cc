#include "runtime/tensor_memory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace sd {
using namespace runtime;

namespace {

constexpr int64_t kFloats = 3 << 20;  // 12 MiB

bool at_huge_page(const at::Tensor& x) {
  return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % (1 << 21) == 0;
}

TEST(TensorMemory, IsKeptForTheNextTensorOfAboutThatSize) {
  pool_tensor_memory(size_t{64} << 20);
  at::Tensor x = at::empty({kFloats}, at::kFloat);
  EXPECT_TRUE(at_huge_page(x));
  const void* place = x.const_data_ptr();
  x.fill_(1);
  x = at::empty({kFloats / 16}, at::kFloat);
  EXPECT_NE(x.const_data_ptr(), place);  // far too small for it
  const at::Tensor y = at::empty({kFloats - 100}, at::kFloat);
  EXPECT_EQ(y.const_data_ptr(), place);
  const at::Tensor z = at::empty({kFloats}, at::kFloat);
  EXPECT_NE(z.const_data_ptr(), place);
}

TEST(TensorMemory, GivesWorkingTensorsOfEverySize) {
  for (const size_t keep : {size_t{0}, size_t{20} << 20}) {
    pool_tensor_memory(keep);
    for (const int64_t floats : {0, 1, 1000, 1 << 20, (1 << 20) + 1, 5 << 20, 9 << 20}) {
      const at::Tensor x = at::ones({floats}, at::kFloat);
      const at::Tensor y = (x + x).clone();
      EXPECT_EQ(y.sum().item<float>(), 2.0F * static_cast<float>(floats));
    }
  }
}

TEST(TensorMemory, IsGivenBackByItsAddressToo) {  // as oneDNN does
  pool_tensor_memory(size_t{64} << 20);
  c10::Allocator* allocator = c10::GetAllocator(c10::DeviceType::CPU);
  for (const size_t bytes : {size_t{100}, size_t{12} << 20}) {
    void* data = allocator->raw_allocate(bytes);
    ASSERT_NE(data, nullptr);
    allocator->raw_deallocate(data);
  }
  const at::Tensor x = at::ones({1, 16, 64, 64}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor y = at::conv2d(x, at::ones({640, 16, 3, 3}), {}, 2, 1);
  EXPECT_EQ(y.select(2, 5).select(2, 5).max().item<float>(), 144);
}

}  // namespace
}  // namespace sd
