#include "image/exif.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "image/image_io.h"

namespace sd {
using namespace image;

namespace {

using namespace std::string_literals;

TEST(Exif, OrientationIsReadAndUndone) {
  const Image upright = read_image(test::image_data_dir() / "orientation1.png");
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const char* ending = orientation % 2 == 1 ? ".png" : ".jpg";
    const auto path =
        test::image_data_dir() / ("orientation" + std::to_string(orientation) + ending);
    EXPECT_EQ(exif_orientation(test::file_bytes(path)), orientation);
  }
  for (const int orientation : {5, 6}) {
    const std::string name = "orientation" + std::to_string(orientation) + ".webp";
    EXPECT_EQ(exif_orientation(test::file_bytes(test::image_data_dir() / name)), orientation);
  }
  EXPECT_EQ(exif_orientation(test::file_bytes(test::image_data_dir() / "gray.jpg")), 1);
  EXPECT_EQ(exif_orientation(test::file_bytes(test::image_data_dir() / "global.gif")), 1);
  EXPECT_EQ(apply_orientation(upright, 1), upright);
  EXPECT_EQ(apply_orientation(upright, 99), upright);
}

/// ImageMagick wrote the EXIF data of a PNG as digits of a text, before they had a chunk.
TEST(Exif, OrientationIsReadFromARawProfile) {
  const std::string tiff = "4d4d002a00000008000101120003000000010006000000000000";
  for (const auto& [key, before] : {std::pair{"Raw profile type exif", ""},
                                    std::pair{"Raw profile type APP1", "457869660000"}}) {
    const std::string digits = before + tiff;
    PngMetadata texts;
    texts.add(key, "\nexif\n      32\n" + digits.substr(0, 20) + "\n" + digits.substr(20) + "\n");
    const auto orientation = [&] {
      const std::string png = encode_png(Image(2, 1), texts);
      return exif_orientation(std::vector<uint8_t>(png.begin(), png.end()));
    };
    EXPECT_EQ(orientation(), 6) << key;
    texts.texts.front().second = "\nexif";
    EXPECT_EQ(orientation(), 1) << key;
  }
}

/// As Pillow does, which turns pictures of no other format when it reads them.
TEST(Exif, ATiffIsTurnedWhenItIsRead) {
  const auto path = test::image_data_dir() / "orientation6.tif";
  EXPECT_EQ(exif_orientation(test::file_bytes(path)), 1);
  EXPECT_EQ(read_image(path).width, 8);
  EXPECT_EQ(read_image(path).height, 12);
}

TEST(Exif, TurnsAsItsNameSays) {
  Image image(3, 2);  // a b c / d e f
  for (size_t i = 0; i < 6; ++i) image.rgb[i * 3] = static_cast<uint8_t>('a' + i);
  const auto reads = [&](int orientation) {
    const Image turned = apply_orientation(image, orientation);
    std::string text = std::to_string(turned.width) + ":";
    for (size_t i = 0; i < 6; ++i) text += static_cast<char>(turned.rgb[i * 3]);
    return text;
  };
  EXPECT_EQ(reads(2), "3:cbafed");
  EXPECT_EQ(reads(3), "3:fedcba");
  EXPECT_EQ(reads(4), "3:defabc");
  EXPECT_EQ(reads(5), "2:adbecf");
  EXPECT_EQ(reads(6), "2:daebfc");
  EXPECT_EQ(reads(7), "2:fcebda");
  EXPECT_EQ(reads(8), "2:cfbead");
}

/// A JPEG without pixels whose EXIF data hold this UserComment, in Motorola's or Intel's order.
std::vector<uint8_t> jpeg_with_comment(const std::string& comment, bool little) {
  const auto number = [&](uint32_t value, int bytes) {
    std::string text;
    for (int k = 0; k < bytes; ++k) {
      text += static_cast<char>(value >> 8 * (little ? k : bytes - 1 - k));
    }
    return text;
  };
  const auto entry = [&](uint32_t tag, uint32_t type, uint32_t count, uint32_t value) {
    return number(1, 2) + number(tag, 2) + number(type, 2) + number(count, 4) + number(value, 4) +
           number(0, 4);
  };
  const std::string tiff = (little ? "II" : "MM") + number(42, 2) + number(8, 4) +
                           entry(0x8769, 4, 1, 26) +
                           entry(0x9286, 7, static_cast<uint32_t>(comment.size()), 44) + comment;
  const std::string segment = "Exif\0\0"s + tiff;
  const size_t length = segment.size() + 2;
  const std::string bytes = "\xFF\xD8\xFF\xE1"s + static_cast<char>(length >> 8) +
                            static_cast<char>(length & 0xFF) + segment + "\xFF\xD9";
  return {bytes.begin(), bytes.end()};
}

TEST(Exif, CommentIsReadInEachCoding) {
  for (const bool little : {false, true}) {
    const auto read = [&](const std::string& comment) {
      return exif_texts(jpeg_with_comment(comment, little)).user_comment;
    };
    EXPECT_EQ(read("ASCII\0\0\0a cat\nSteps: 20"s), "a cat\nSteps: 20");
    EXPECT_EQ(read("\0\0\0\0\0\0\0\0a cat\0\0"s), "a cat");
    // UTF-16 in both orders, whatever the order of the file: writers differ.
    EXPECT_EQ(read("UNICODE\0\0a\0 \0\xE9\xD8\x3D\xDE\x00"s), "a é😀");
    EXPECT_EQ(read("UNICODE\0a\0 \0\xE9\0\x3D\xD8\x00\xDE"s), "a é😀");
    EXPECT_EQ(read("UNICODE\0\xFF\xFE\x2D\x4E"s), "中");
    EXPECT_EQ(read("UNICODE\0\xFE\xFF\x4E\x2D\xD8\0"s), "中\uFFFD");
    EXPECT_EQ(read("ASCII\0\0\0\xFF"s), "");
    EXPECT_EQ(read("no coding before it"), "no coding before it");
  }
  EXPECT_EQ(exif_texts(test::file_bytes(test::image_data_dir() / "orientation6.jpg")).user_comment,
            "");
  EXPECT_EQ(exif_texts({}).user_comment, "");
  EXPECT_TRUE(exif_texts({}).others.empty());
}

}  // namespace
}  // namespace sd
