// Weights on their way to a device, with the processor in the device's place.

#include "runtime/staged_upload.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

namespace sd::test {
using namespace runtime;

namespace {

constexpr int64_t kPiece = 64;  // bytes

/// Counts buffers, and notes the numbers of the pieces that were waited for.
struct Device {
  int buffers = 0, pieces = 0;
  std::vector<int> waited;

  StagedUpload upload() {
    return StagedUpload(
        at::kCPU,
        {.buffer =
             [this](int64_t bytes) {
               ++buffers;
               return at::empty({bytes}, at::kByte);
             },
         .mark = [this] { return [this, piece = pieces++] { waited.push_back(piece); }; }},
        kPiece);
  }
};

at::Tensor values(int64_t count, at::ScalarType type) {
  return (at::arange(count, at::kFloat) * 0.37 - 5).to(type);
}

TEST(StagedUpload, GivesWhatAPlainCopyGives) {
  Device device;
  StagedUpload upload = device.upload();
  for (const auto from : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble, at::kLong}) {
    for (const auto to : {at::kFloat, at::kHalf, at::kBFloat16}) {
      for (const int64_t count : {0, 1, 15, 16, 17, 33, 160, 1001}) {
        const at::Tensor stored = values(count, from);
        const at::Tensor found = upload(stored, to);
        EXPECT_EQ(found.scalar_type(), to);
        EXPECT_TRUE(at::equal(found, stored.to(to))) << from << " to " << to << ", " << count;
      }
    }
  }
  EXPECT_EQ(device.buffers, 2);
  const at::Tensor square = values(12 * 7, at::kFloat).view({12, 7, 1});
  EXPECT_TRUE(at::equal(upload(square, at::kHalf), square.to(at::kHalf)));
}

TEST(StagedUpload, FillsABufferAgainWhenItsPieceWasTaken) {
  Device device;
  StagedUpload upload = device.upload();
  upload(values(5 * 16, at::kFloat), at::kHalf);  // five pieces
  EXPECT_EQ(device.pieces, 5);
  EXPECT_EQ(device.waited, (std::vector<int>{0, 1, 2}));
  upload(values(16, at::kFloat), at::kFloat);  // the next tensor's is the sixth
  EXPECT_EQ(device.waited, (std::vector<int>{0, 1, 2, 3}));
}

TEST(StagedUpload, KeepsWhatIsNoNumber) {
  Device device;
  at::Tensor stored = values(40, at::kFloat);
  stored[3] = NAN;
  stored[20] = INFINITY;
  stored[39] = 1e30;
  EXPECT_TRUE(at::allclose(device.upload()(stored, at::kHalf), stored.to(at::kHalf), 0, 0,
                           /*equal_nan=*/true));
}

TEST(StagedUpload, GoesWithoutBuffersWhereThereAreNone) {
  StagedUpload upload(at::kCPU,
                      {.buffer = [](int64_t) -> at::Tensor { TORCH_CHECK(false, "no memory"); },
                       .mark = [] { return [] {}; }},
                      kPiece);
  const at::Tensor stored = values(100, at::kFloat);
  EXPECT_TRUE(at::equal(upload(stored, at::kHalf), stored.to(at::kHalf)));
}

}  // namespace
}  // namespace sd::test
