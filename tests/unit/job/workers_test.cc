#include "job/workers.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace sd {
using namespace job;
using namespace runtime;

namespace {

HostInfo two_cards() {
  HostInfo host{.usable_cpus = 8,
                .isa = Isa::kAvx2,
                .total_bytes = 16'000'000'000,
                .free_bytes = 12'000'000'000};
  host.cuda.assign(2, {"A card", 8, 9, uint64_t{24} << 30, uint64_t{23} << 30});
  return host;
}

std::vector<ExecPolicy> workers(std::vector<std::string> devices, int threads = 0) {
  Settings options(Script::kTxt2Img);
  options.devices = std::move(devices);
  options.device.threads = threads;
  return resolve_workers(options, two_cards());
}

TEST(Workers, OnCardsHaveTheirOwn) {
  const auto both = workers({"cuda:0", "cuda:1"});
  ASSERT_EQ(both.size(), 2U);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(both[static_cast<size_t>(i)].device, at::Device(at::kCUDA, static_cast<int8_t>(i)));
    EXPECT_EQ(both[static_cast<size_t>(i)].free_bytes, int64_t{23} << 30);
    EXPECT_EQ(both[static_cast<size_t>(i)].threads, 8);
  }
}

TEST(Workers, OnTheCpuShareItsThreadsAndMemory) {
  for (const ExecPolicy& each : workers({"cpu", "cpu", "cpu"})) {
    EXPECT_EQ(each.threads, 2);
    EXPECT_EQ(each.chosen.threads, 2);
    EXPECT_EQ(each.free_bytes, 4'000'000'000);
  }
  for (const ExecPolicy& each : workers({"cpu", "cpu"}, 1)) EXPECT_EQ(each.threads, 1);
  const auto mixed = workers({"cpu", "cuda:1"});
  EXPECT_EQ(mixed[0].threads, 8);
  EXPECT_TRUE(mixed[1].device.is_cuda());
}

TEST(Workers, OfOneCardAreRefused) {
  test::expect_error(ErrorKind::kUsage, "cuda:0 twice", [] { workers({"cuda:0", "cuda"}); });
  test::expect_error(ErrorKind::kDevice, "there are 2 GPUs", [] { workers({"cuda:2", "cpu"}); });
}

}  // namespace
}  // namespace sd
