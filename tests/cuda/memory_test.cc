// What a full-size model takes of the card's memory.

#include <gtest/gtest.h>

#include <cstdlib>

#include "cuda/card.h"
#include "models/random_checkpoint.h"
#include "runtime/cuda_driver.h"
#include "runtime/cuda_library.h"
#include "runtime/cuda_runtime_table.h"
#include "runtime/data_files.h"
#include "runtime/out_of_memory.h"
#include "sd/pipeline.h"
#include "support/small_pipeline.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace runtime;

namespace {

TEST(CudaMemory, ThreePicturesOf512By512StayBelowTenGigabytes) {
  SD_NEEDS_CARD();
  constexpr uint64_t kMost = 10'000'000'000;
  const TempFolder folder;
  const std::string config = data_file("configs/stable-diffusion/v1-inference.yaml");
  const char* given = std::getenv("SD_FULL_CHECKPOINT");  // of `sd random-checkpoint`, 4 GB
  const std::string checkpoint = given != nullptr ? given : folder / "full.safetensors";
  if (given == nullptr)
    models::write_random_checkpoint(checkpoint, models::read_model_config(config));
  const auto* table = static_cast<const CudaRuntimeTable*>(
      cuda_table(CudaRuntimeTable::kName, CudaRuntimeTable::kVersion));
  ASSERT_NE(table, nullptr);
  table->reset_peak(kCard);
  LoadOptions options;
  options.model = {.checkpoint = checkpoint, .config = config, .weights = WeightChoice::kPlain};
  options.device.device = "cuda";
  const Pipeline pipeline = Pipeline::load(options);
  Session session = pipeline.start();
  Request request;
  request.pictures.assign(3, PictureSettings{"a painting", "", 7.5});
  request.batch.width = request.batch.height = 512;
  request.batch.steps = 4;
  session.generate(request, nullptr, nullptr);
  EXPECT_LT(table->peak_bytes(kCard), kMost);
  RecordProperty("peak_bytes", std::to_string(table->peak_bytes(kCard)));
}

TEST(CudaMemory, SharesAndStripsGiveTheSamePictures) {
  SD_NEEDS_CARD();
  const ModelOnDisk model;
  DeviceOptions asked;
  asked.device = "cuda";
  asked.precision = Precision::kFull;
  const auto drawn = [&](int64_t free_bytes) {
    ExecPolicy policy = resolve(asked, host());
    policy.free_bytes = free_bytes;
    const Pipeline pipeline = Pipeline::load(model.options, policy);
    std::vector<Image> images;
    pipeline.start().generate(small_request(3, 128),
                              [&](Picture picture) { images.push_back(std::move(picture.image)); });
    return images;
  };
  const std::vector<Image> whole = drawn(INT64_MAX), shared = drawn(1);
  ASSERT_EQ(shared.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    int most = 0;
    for (size_t k = 0; k < whole[i].rgb.size(); ++k) {
      most = std::max(most, std::abs(int{whole[i].rgb[k]} - int{shared[i].rgb[k]}));
    }
    EXPECT_LE(most, 2);
  }
}

/// By c10's table, though the program is not linked with the card's allocator.
TEST(CudaMemory, KeptBlocksAreGivenBack) {
  SD_NEEDS_CARD();
  constexpr int64_t kBytes = int64_t{1} << 30;
  DeviceOptions asked;
  asked.device = "cuda";
  const auto free = [] { return probe_cuda_driver().devices.at(0).free_bytes; };
  at::empty({kBytes}, at::TensorOptions(at::kByte).device(kCard));  // and at once gone
  const uint64_t kept = free();
  give_kept_memory_back(resolve(asked, host()));
  EXPECT_GE(free(), kept + static_cast<uint64_t>(kBytes) * 9 / 10);
}

}  // namespace
}  // namespace sd::test
