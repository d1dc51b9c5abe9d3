#include "image/watermark.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "image/image_io.h"
#include "sd/error.h"
#include "support/golden.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

TEST(Watermark, GivesThePackagesBits) {
  for (const auto& row : test::expected_images("watermark")) {
    const std::string message = row["message"];
    Image image = test::pattern(row["kind"], row["size"][0], row["size"][1], row["seed"]);
    ASSERT_TRUE(embed_watermark(image, message));
    EXPECT_EQ(test::crc_of(image), row["crc"].get<uint32_t>()) << row;
    EXPECT_EQ(decode_watermark(image, message.size()).bytes, from_hex(row["read"])) << row;
  }
}

TEST(Watermark, GoldenPairs) {
  SD_NEEDS_REFERENCE();
  const auto root = test::reference_dir() / "watermark";
  std::ifstream file(root / "index.json");
  const auto index = nlohmann::json::parse(file);
  for (const auto& row : index["images"]) {
    Image image = read_image(root / std::string(row["in"]));
    ASSERT_TRUE(embed_watermark(image, kReferenceWatermark));
    EXPECT_TRUE(image == read_image(root / std::string(row["out"]))) << row["in"];
    const WatermarkMatch match = watermark_match(image, kReferenceWatermark);
    EXPECT_EQ(match.bits - match.matching, row["bit_errors"].get<int>()) << row["in"];
  }
}

TEST(Watermark, SmallPicturesAreLeftAlone) {
  Image image = test::pattern("noise", 255, 256, 1);
  const Image before = image;
  EXPECT_FALSE(embed_watermark(image, kReferenceWatermark));
  EXPECT_EQ(image, before);
  EXPECT_EQ(watermark_capacity(image), 0U);
  EXPECT_THROW(decode_watermark(image, 17), Error);
}

TEST(Watermark, CapacityIsTheNumberOfWholeBlocks) {
  EXPECT_EQ(watermark_capacity(Image(256, 256)), 1024U);
  EXPECT_EQ(watermark_capacity(Image(263, 257)), 1024U);
  EXPECT_EQ(watermark_capacity(Image(512, 768)), 64U * 96U);
}

TEST(Watermark, AMessageLongerThanThePictureLosesItsEnd) {
  Image image = test::pattern("noise", 256, 256, 1);
  const std::string message(200, 'U');
  ASSERT_TRUE(embed_watermark(image, message));
  const WatermarkReading reading = decode_watermark(image, message.size());
  EXPECT_EQ(reading.bytes.size(), 200U);
  EXPECT_EQ(reading.bytes[199], '\0');  // no block carries it
  EXPECT_EQ(reading.scores[1599], 0.0);
}

TEST(Watermark, NarrowPicturesHaveNoBlocksAndStillWork) {
  Image image = test::pattern("noise", 3, 30000, 1);
  EXPECT_TRUE(embed_watermark(image, "x"));
  EXPECT_EQ(decode_watermark(image, 1).bytes, std::string(1, '\0'));
}

TEST(Watermark, EmptyMessagesAreRefused) {
  Image image(256, 256);
  EXPECT_THROW(embed_watermark(image, ""), Error);
  EXPECT_THROW(decode_watermark(image, 0), Error);
  EXPECT_THROW(decode_watermark(image, kMaxWatermarkBytes + 1), Error);
}

TEST(Watermark, AgreementIsCountedAndJudged) {
  WatermarkReading reading;
  reading.bytes = "StableDiffusionV1";
  WatermarkMatch match = watermark_match(reading, kReferenceWatermark);
  EXPECT_EQ(match.matching, 136);
  EXPECT_EQ(match.bits, 136);
  EXPECT_NEAR(match.chance / std::pow(2.0, -136), 1.0, 1e-9);
  reading.bytes[16] = static_cast<char>('1' ^ 1);
  match = watermark_match(reading, kReferenceWatermark);
  EXPECT_EQ(match.matching, 135);
  EXPECT_NEAR(match.chance / (137 * std::pow(2.0, -136)), 1.0, 1e-9);
  match = watermark_match(reading, std::string(17, static_cast<char>(0)));
  EXPECT_GT(match.chance, 0.0);
  EXPECT_LE(match.chance, 1.0);
  EXPECT_NEAR(watermark_match({"\x0F", {}}, "\xFF").chance, 163.0 / 256, 1e-12);  // 4 of 8 or more
  EXPECT_EQ(watermark_match({std::string("\0", 1), {}}, "\xFF").chance, 1.0);
}

TEST(Watermark, AnUnmarkedPictureAgreesByChanceOnly) {
  const Image image = test::pattern("noise", 512, 512, 9);
  EXPECT_GT(watermark_match(image, kReferenceWatermark).chance, 1e-6);
  Image marked = image;
  ASSERT_TRUE(embed_watermark(marked, kReferenceWatermark));
  EXPECT_LT(watermark_match(marked, kReferenceWatermark).chance, 1e-20);
}

}  // namespace
}  // namespace sd
