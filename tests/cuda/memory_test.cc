// What a full-size model takes of the card's memory.

#include <gtest/gtest.h>

#include <cstdlib>

#include "cuda/card.h"
#include "models/random_checkpoint.h"
#include "runtime/cuda_library.h"
#include "runtime/cuda_runtime_table.h"
#include "runtime/data_files.h"
#include "sd/pipeline.h"
#include "support/tiny_model.h"

namespace sd::test {
namespace {

TEST(CudaMemory, ThreePicturesOf512By512StayBelowTenGigabytes) {
  SD_NEEDS_CARD();
  constexpr uint64_t kMost = 10'000'000'000;
  const TempFolder folder;
  const std::string config = data_file("configs/stable-diffusion/v1-inference.yaml");
  const char* given = std::getenv("SD_FULL_CHECKPOINT");  // of `sd random-checkpoint`, 4 GB
  const std::string checkpoint = given != nullptr ? given : folder / "full.safetensors";
  if (given == nullptr) write_random_checkpoint(checkpoint, read_model_config(config));
  const auto* table = static_cast<const CudaRuntimeTable*>(
      cuda_table(CudaRuntimeTable::kName, CudaRuntimeTable::kVersion));
  ASSERT_NE(table, nullptr);
  table->reset_peak(kCard);
  LoadOptions options;
  options.model = {.checkpoint = checkpoint, .config = config, .weights = WeightChoice::kPlain};
  options.device.device = "cuda";
  const Pipeline pipeline = Pipeline::load(options);
  Session session = pipeline.start(RngKind::kCuda, 42);
  Request request;
  request.pictures.assign(3, PictureSpec{"a painting", "", 7.5});
  request.width = request.height = 512;
  request.steps = 4;
  session.generate(request, nullptr, nullptr);
  EXPECT_LT(table->peak_bytes(kCard), kMost);
  RecordProperty("peak_bytes", std::to_string(table->peak_bytes(kCard)));
}

}  // namespace
}  // namespace sd::test
