// What any exception is to the user, by its kind, message and hint.

#include "cli/error_of.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

namespace sd::test {
using namespace cli;

namespace {

Error told(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    return error_of(std::current_exception());
  }
  throw std::runtime_error("nothing was thrown");
}

TEST(ErrorOf, AnErrorIsItself) {
  const Error error = told([] { throw Error(ErrorKind::kFile, "gone", "look", {"a", "b"}); });
  EXPECT_EQ(error.kind(), ErrorKind::kFile);
  EXPECT_STREQ(error.what(), "gone");
  EXPECT_EQ(error.hint(), "look");
  EXPECT_EQ(error.details().size(), 2U);
}

TEST(ErrorOf, ALackOfMemoryIsTheDevices) {
  const Error plain = told([] { throw std::bad_alloc(); });
  EXPECT_EQ(plain.kind(), ErrorKind::kDevice);
  EXPECT_STREQ(plain.what(), "out of memory");
  EXPECT_NE(plain.hint().find("`n_samples`"), std::string::npos);
  for (const auto& work : std::initializer_list<std::function<void()>>{
           [] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory."); },
           [] { at::empty({int64_t{1} << 60}); }}) {
    const Error error = told(work);
    EXPECT_EQ(error.kind(), ErrorKind::kDevice) << error.what();
    EXPECT_EQ(std::string(error.what()).find("out of memory: "), 0U) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

TEST(ErrorOf, ALackOfThreadsIsTheDevices) {
  const Error error = told([] {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  EXPECT_EQ(error.kind(), ErrorKind::kDevice);
  EXPECT_NE(std::string(error.what()).find("a thread cannot be started"), std::string::npos);
  EXPECT_NE(error.hint().find("ulimit -u"), std::string::npos) << error.hint();
  const Error other =
      told([] { throw std::system_error(std::make_error_code(std::errc::io_error)); });
  EXPECT_EQ(other.kind(), ErrorKind::kInternal);
}

TEST(ErrorOf, AProcessorThatCannotBeLookedAtIsTheDevices) {
  const Error error = told([] { throw std::runtime_error("Failed to initialize cpuinfo!"); });
  EXPECT_EQ(error.kind(), ErrorKind::kDevice);
  EXPECT_NE(error.hint().find("mount /proc"), std::string::npos) << error.hint();
}

void throw_cuda(int code, const char* words) {
  throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, code, words);
}

TEST(ErrorOf, ACardsOwnTroubleIsTheDevices) {
  for (const auto& [code, hint] : std::initializer_list<std::pair<int, const char*>>{
           {46, "exclusive"}, {209, "no code for this GPU"}, {214, "start it again"}}) {
    const Error error = told(
        [&, code = code] { throw_cuda(code, "CUDA error: all devices are busy\nSearch for it"); });
    EXPECT_EQ(error.kind(), ErrorKind::kDevice) << code;
    EXPECT_STREQ(error.what(), "the GPU cannot be used: CUDA error: all devices are busy");
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
    EXPECT_NE(error.hint().find("`device` cpu"), std::string::npos) << error.hint();
  }
  for (const int code : {1, 700, 716, 719, 901}) {
    const Error error = told([&] { throw_cuda(code, "CUDA error: ours"); });
    EXPECT_EQ(error.kind(), ErrorKind::kInternal) << code;
    EXPECT_STREQ(error.what(), "LibTorch: CUDA error: ours");
  }
  EXPECT_EQ(std::string(told([] { throw_cuda(2, "CUDA error: out"); }).what()),
            "out of memory: CUDA error: out");
}

TEST(ErrorOf, AfterACardsErrorNothingMoreIsDrawnOnIt) {
  const auto ends = [](const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      return ends_use_of_card(std::current_exception());
    }
    return false;
  };
  EXPECT_TRUE(ends([] { throw_cuda(214, "CUDA error: a memory fault"); }));
  EXPECT_TRUE(ends([] { throw_cuda(700, "CUDA error: an illegal address"); }));
  EXPECT_FALSE(ends([] { throw_cuda(2, "CUDA error: out of memory"); }));
  EXPECT_FALSE(ends([] { TORCH_CHECK(false, "shapes differ"); }));
  EXPECT_FALSE(ends([] { throw Error(ErrorKind::kUsage, "no"); }));
  EXPECT_FALSE(ends([] { throw 1; }));
}

TEST(ErrorOf, AllElseIsABug) {
  const Error torch = told([] { TORCH_CHECK(false, "shapes differ\nand more"); });
  EXPECT_EQ(torch.kind(), ErrorKind::kInternal);
  EXPECT_STREQ(torch.what(), "LibTorch: shapes differ");
  EXPECT_STREQ(told([] { throw std::runtime_error("one\ntwo"); }).what(), "one");
  EXPECT_EQ(told([] { throw 1; }).kind(), ErrorKind::kInternal);
}

}  // namespace
}  // namespace sd::test
