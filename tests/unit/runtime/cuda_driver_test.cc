#include "runtime/cuda_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace sd {
using namespace runtime;

namespace {

CudaDriver probe(const char* story) {
  ::setenv("SD_FAKE_DRIVER", story, 1);
  return probe_cuda_driver({SD_FAKE_DRIVER_LIBRARY, SD_FAKE_DRIVER_LIBRARY, {}});
}

TEST(CudaDriver, IsAbsentWhereItsLibraryIs) {
  const CudaDriver driver = probe_cuda_driver({"libcuda.so.0", "libnvidia-ml.so.0", {"/no/where"}});
  EXPECT_EQ(driver.problem, "no driver");
  EXPECT_EQ(driver.version, 0);
  EXPECT_TRUE(driver.devices.empty());
}

TEST(CudaDriver, DescribesItsCards) {
  const CudaDriver driver = probe("two-cards");
  EXPECT_EQ(driver.problem, "");
  EXPECT_EQ(driver.version, 13000);
  ASSERT_EQ(driver.devices.size(), 2U);
  EXPECT_EQ(driver.devices[0].name, "Card \x1b[31mA");
  EXPECT_EQ(driver.devices[0].major, 8);
  EXPECT_EQ(driver.devices[0].minor, 9);
  EXPECT_EQ(driver.devices[0].total_bytes, uint64_t{10} << 30);
  EXPECT_EQ(driver.devices[0].free_bytes, uint64_t{9} << 30);
  EXPECT_EQ(driver.devices[1].name, "Card B");
  EXPECT_EQ(driver.devices[1].major, 9);
  EXPECT_EQ(driver.devices[1].free_bytes, 0U);  // the management library does not know it
}

TEST(CudaDriver, WorksWithoutTheManagementLibrary) {
  ::setenv("SD_FAKE_DRIVER", "two-cards", 1);
  const CudaDriver driver = probe_cuda_driver({SD_FAKE_DRIVER_LIBRARY, "libnvidia-ml.so.0", {}});
  ASSERT_EQ(driver.devices.size(), 2U);
  EXPECT_EQ(driver.devices[0].free_bytes, 0U);
}

TEST(CudaDriver, IsAlsoFoundInTheFoldersOfContainers) {
  ::setenv("SD_FAKE_DRIVER", "two-cards", 1);
  // The driver of the tests has the real names; where a real one is installed, that is found first.
  const std::filesystem::path folder = std::filesystem::path(SD_FAKE_DRIVER_LIBRARY).parent_path();
  const CudaDriver driver =
      probe_cuda_driver({"libcuda.so.1", "libnvidia-ml.so.1", {"/no/where", folder.string()}});
  EXPECT_GT(driver.version, 0) << driver.problem;
}

/// NVML speaks of the whole card, of which the process may have a slice.
TEST(CudaDriver, HasNoMoreFreeThanItIs) {
  const CudaDriver driver = probe("slice");
  ASSERT_EQ(driver.devices.size(), 2U);
  EXPECT_EQ(driver.devices[0].total_bytes, uint64_t{1} << 30);
  EXPECT_EQ(driver.devices[0].free_bytes, uint64_t{1} << 30);
}

TEST(CudaDriver, SaysWhatIsWrong) {
  EXPECT_EQ(probe("no-card").problem, "the driver shows no GPU");
  EXPECT_EQ(probe("broken").problem, "the driver does not start: CUDA_ERROR_UNKNOWN");
  const CudaDriver silent = probe("silent");
  EXPECT_EQ(silent.problem, "the driver does not describe GPU 1");
  EXPECT_TRUE(silent.devices.empty());
}

}  // namespace
}  // namespace sd
