// What goes to the device that it is on.

#include "runtime/upload.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace sd::test {
using namespace runtime;

namespace {

TEST(Upload, ToTheHostIsTheTensorItself) {
  const at::Tensor x = at::arange(12, at::kFloat).view({3, 4});
  EXPECT_TRUE(upload(x, at::kCPU).is_same(x));
}

}  // namespace
}  // namespace sd::test
