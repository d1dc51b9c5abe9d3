#include "runtime/libtorch_log.h"

#include <c10/util/Logging.h>
#include <gtest/gtest.h>

namespace sd {
using namespace runtime;

namespace {

std::string said(void (*say)()) {
  ::testing::internal::CaptureStderr();
  say();
  return ::testing::internal::GetCapturedStderr();
}

TEST(LibTorchLog, SaysErrorsOnly) {
  const auto warn = [] {
    LOG(WARNING) << "Could not initialize NNPACK!";
    TORCH_WARN("deprecated");
  };
  EXPECT_NE(said(warn).find("NNPACK"), std::string::npos);
  silence_libtorch_warnings();
  EXPECT_EQ(said(warn), "");
  EXPECT_NE(said([] { LOG(ERROR) << "broken"; }).find("broken"), std::string::npos);
}

}  // namespace
}  // namespace sd
