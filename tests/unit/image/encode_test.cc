// Pictures in the formats that have no text chunks: what is written is read again.

#include "image/encode.h"

#include "image/image_io.h"
#include "image/picture_texts.h"
#include "support/expect_error.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
  return sum / static_cast<double>(a.rgb.size());
}

PngMetadata two_texts() {
  PngMetadata texts;
  // Latin, Chinese and beyond 16 bits; an odd number of bytes.
  texts.add("parameters", "a caf\xc3\xa9 \xe7\x8c\xab \xf0\x9f\x8e\xa8\nSteps: 20");
  texts.add("stable-diffusion", "{\"prompt\":\"caf\xc3\xa9\",\"seed\":7}");
  return texts;
}

TEST(EncodePicture, KeepsThePictureAndItsTexts) {
  const Image image = test::pattern("smooth", 67, 35, 1);
  for (const auto format : {PictureFormat::kPng, PictureFormat::kJpeg, PictureFormat::kWebp}) {
    const std::string bytes = encode_picture(image, two_texts(), format, 95);
    const Image read = decode_image(bytes_of(bytes), "it");
    ASSERT_EQ(read.width, 67);
    ASSERT_EQ(read.height, 35);
    EXPECT_LT(mean_difference(read, image), 3);
    const PngMetadata texts = picture_texts(bytes_of(bytes), "it");
    ASSERT_NE(texts.find(kParametersKeyword), nullptr);
    EXPECT_EQ(*texts.find(kParametersKeyword), two_texts().texts[0].second);
    ASSERT_NE(texts.find(kRecordKeyword), nullptr);
    EXPECT_EQ(nlohmann::json::parse(*texts.find(kRecordKeyword)),
              nlohmann::json::parse(two_texts().texts[1].second));
  }
}

TEST(EncodePicture, GivesTheSameBytesForTheSamePicture) {
  const Image image = test::pattern("noise", 64, 64, 1);
  for (const auto format : {PictureFormat::kJpeg, PictureFormat::kWebp}) {
    EXPECT_EQ(encode_picture(image, two_texts(), format, 80),
              encode_picture(image, two_texts(), format, 80));
    EXPECT_LT(encode_picture(image, {}, format, 50).size(),
              encode_picture(image, {}, format, 95).size());
  }
}

TEST(EncodePicture, WritesFilesWithoutTextsToo) {
  const Image image = test::pattern("smooth", 8, 8, 1);
  for (const auto format : {PictureFormat::kJpeg, PictureFormat::kWebp}) {
    const std::string bytes = encode_picture(image, {}, format, 80);
    EXPECT_TRUE(picture_texts(bytes_of(bytes), "it").texts.empty());
  }
}

TEST(EncodePicture, LeavesARecordOutThatNoJpegHolds) {
  const Image image = test::pattern("smooth", 8, 8, 1);
  PngMetadata texts = two_texts();
  texts.texts[1].second = "{\"prompt\":\"" + std::string(70000, 'x') + "\"}";
  const std::string bytes = encode_picture(image, texts, PictureFormat::kJpeg, 80);
  EXPECT_EQ(picture_texts(bytes_of(bytes), "it").find(kRecordKeyword), nullptr);
  EXPECT_NE(picture_texts(bytes_of(bytes), "it").find(kParametersKeyword), nullptr);
}

TEST(EncodePicture, RefusesWhatTheFormatCannotHold) {
  for (const auto format : {PictureFormat::kJpeg, PictureFormat::kWebp}) {
    test::expect_error(ErrorKind::kUsage, "without pixels",
                       [&] { encode_picture(Image(), {}, format, 80); });
    test::expect_error(ErrorKind::kUsage, "cannot be made",
                       [&] { encode_picture(Image(70000, 1), {}, format, 80); });
  }
}

}  // namespace
}  // namespace sd
