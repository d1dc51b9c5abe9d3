#include "image/image_io.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "sd/error.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// The message of the Error(kFile) that decoding throws, or "" when it gives a picture.
std::string failure(const Bytes& bytes, const std::string& name = "x") {
  try {
    decode_image(bytes, name);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
  return "";
}

void expect_failure(const Bytes& bytes, const std::string& part) {
  const std::string message = failure(bytes);
  EXPECT_NE(message.find(part), std::string::npos) << "\"" << message << "\" lacks " << part;
}

TEST(ReadImage, GivesPillowsPixels) {
  for (const auto& row : test::expected_images("pictures")) {
    const Image image = read_image(test::image_data_dir() / std::string(row["file"]));
    ASSERT_EQ(image.width, row["width"].get<int>()) << row;
    ASSERT_EQ(image.height, row["height"].get<int>()) << row;
    EXPECT_EQ(image.at(0, 0)[0], row["first"][0].get<int>()) << row;
    EXPECT_EQ(test::crc_of(image), row["crc"].get<uint32_t>()) << row;
  }
}

TEST(ReadImage, ShowsHdrByGamma) {
  const Image image = read_image(test::image_data_dir() / "rle.hdr");
  ASSERT_EQ(image.width, 9);
  ASSERT_EQ(image.height, 2);
  // 0x80 with exponent 0x81 is 1.0, 0xFF nearly 2, and 1 nearly nothing: 255 * (2 / 256)^(1 / 2.2).
  EXPECT_EQ(std::vector<uint8_t>(image.at(0, 0), image.at(0, 0) + 3),
            (std::vector<uint8_t>{255, 28, 0}));
  EXPECT_EQ(image.at(8, 0)[1], 255);
  // 64, 128 and 255 with exponent 128 are 0.25, 0.5 and 0.996.
  EXPECT_EQ(std::vector<uint8_t>(image.at(8, 1), image.at(8, 1) + 3),
            (std::vector<uint8_t>{136, 186, 255}));
}

TEST(ReadImage, DeepPsdKeepsTheUpperBytes) {
  const auto path = test::image_data_dir() / "16bit.psd";
  const Image image = read_image(path);
  const Bytes bytes = test::file_bytes(path);
  const size_t pixels_at = bytes.size() - image.rgb.size() * 2;
  EXPECT_EQ(image.rgb[0], bytes[pixels_at]);
  EXPECT_EQ(image.rgb[4], bytes[pixels_at + image.pixels() * 2 + 2]);
}

TEST(ReadImage, TgaIsKnownByItsNameOrFooter) {
  const Bytes bytes = test::file_bytes(test::image_data_dir() / "rle.tga");
  EXPECT_EQ(failure(bytes, "picture.TGA"), "");
  EXPECT_EQ(failure(bytes, "picture"), "");  // Pillow writes the footer
  const Bytes without(bytes.begin(), bytes.end() - 26);
  EXPECT_EQ(failure(without, "picture.tga"), "");
  EXPECT_NE(failure(without, "picture"), "");
}

TEST(ReadImage, SaysWhatItFoundInstead) {
  expect_failure({}, "an empty file");
  expect_failure(bytes_of("hello, world"), "68 65 6c 6c 6f");
  expect_failure(bytes_of("RIFF\x10\x20\x30\x40WEBPVP8 "), "WebP");
  expect_failure(bytes_of("<svg xmlns="), "SVG");
  expect_failure(Bytes(10, 0), "00 00 00 00");
  expect_failure({0, 0, 1, 0, 1, 0}, "found an icon");
  expect_failure(bytes_of("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer");
  expect_failure(bytes_of("<!DOCTYPE html>"), "found a web page");
  expect_failure({0, 0, 0, 12, 'j', 'P', ' ', ' '}, "found a JPEG 2000 picture");
  expect_failure(bytes_of("Pf\n1 1\n-1\n"), "found a PFM picture");
}

/// As Pillow does: the file may end with the last pixel of the last row.
TEST(ReadImage, TakesRunLengthsWithoutTheMarkOfTheirEnd) {
  const auto number = [](uint32_t value, size_t bytes) {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
    return text;
  };
  const auto bmp_of = [&](std::string_view runs) {
    constexpr uint32_t kPixelsAt = 14 + 40 + 8;
    return bytes_of("BM" + std::string(8, 0) + number(kPixelsAt, 4) + number(40, 4) + number(2, 4) +
                    number(2, 4) + number(1, 2) + number(8, 2) + number(1, 4) + std::string(12, 0) +
                    number(2, 4) + number(0, 4) + number(0, 4) + number(0xFF8040, 4) +
                    std::string(runs));
  };
  const Image image = decode_image(bmp_of({"\2\1\0\0\2\1", 6}), "x");
  EXPECT_EQ(image, decode_image(bmp_of({"\2\1\0\0\2\1\0\1", 8}), "x"));
  EXPECT_EQ(image.rgb[0], 0xFF);
  expect_failure(bmp_of({"\2\1\0\0\1\1", 6}), "its pixels end too early");
}

TEST(ReadImage, NamesAFileThatIsNotThere) {
  try {
    read_image("/nowhere/at/all.png");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_EQ(std::string(error.what()),
              "/nowhere/at/all.png: cannot be opened: No such file or directory");
  }
  EXPECT_THROW(read_image(test::image_data_dir()), Error);  // a folder
}

TEST(ReadImage, RefusesPicturesThatAreTooLargeOrEmpty) {
  expect_failure(bytes_of("P6 0 5 255 "), "has no pixels");
  expect_failure(bytes_of("P6 5 0 255 "), "has no pixels");
  expect_failure(bytes_of("P6 70000 1 255 "), "larger than");
  expect_failure(bytes_of("P6 60000 60000 255 "), "larger than");
  expect_failure(bytes_of("P6 99999999999 1 255 "), "too large");
  expect_failure(bytes_of("P6 10000 10000 255 abc"), "300000000 are needed");
  expect_failure(bytes_of("P5 2 2 0 abcd"), "largest value");
  expect_failure(bytes_of("P5 2 2 70000 abcd"), "largest value");
  expect_failure(bytes_of("P5 2 x"), "is no number");
  expect_failure(bytes_of("P2 2 1 9 3 12"), "above its largest");
}

/// A PNG whose header says other sides than its pixels fill.
Bytes png_saying(uint32_t width, uint32_t height) {
  const std::string bytes = encode_png(test::pattern("noise", 6, 5, 1));
  Bytes changed(bytes.begin(), bytes.end());
  for (int k = 0; k < 4; ++k) {
    changed[static_cast<size_t>(16 + k)] = static_cast<uint8_t>(width >> (24 - 8 * k));
    changed[static_cast<size_t>(20 + k)] = static_cast<uint8_t>(height >> (24 - 8 * k));
  }
  const auto sum = static_cast<uint32_t>(crc32(crc32(0, nullptr, 0), &changed[12], 17));
  for (int k = 0; k < 4; ++k) {
    changed[static_cast<size_t>(29 + k)] = static_cast<uint8_t>(sum >> (24 - 8 * k));
  }
  return changed;
}

TEST(ReadImage, ChecksAPngsSidesBeforeItsPixels) {
  EXPECT_EQ(failure(png_saying(6, 5)), "");
  EXPECT_EQ(failure(png_saying(6, 4)), "");  // surplus pixels are left, as in Pillow
  expect_failure(png_saying(0, 5), "has no pixels");
  expect_failure(png_saying(6, 6), "a damaged PNG");
  expect_failure(png_saying(10000, 10000), "do not fit");
  expect_failure(png_saying(0xFFFFFFFF, 0xFFFFFFFF), "larger than");
  Bytes other = png_saying(6, 5);
  std::copy_n("CgBI", 4, &other[12]);
  expect_failure(other, "a PNG of an iOS program");
  std::copy_n("IDAT", 4, &other[12]);
  expect_failure(other, "its first chunk is not IHDR");
}

/// As in Pillow, which leaves the pixels' sums to zlib and does not look at those of what follows.
TEST(ReadImage, APngsSidesAndColorsMustHaveTheirCheckSumButNotItsPixels) {
  const Image image = test::pattern("noise", 6, 5, 1);
  PngMetadata metadata;
  metadata.add("a", "text");
  const std::string text = encode_png(image, metadata);
  const auto damaged = [&](size_t at) {
    Bytes bytes(text.begin(), text.end());
    bytes[at] ^= 1;
    return bytes;
  };
  expect_failure(damaged(8 + 8 + 13), "IHDR: CRC error");
  EXPECT_EQ(decode_image(damaged(text.find("text") + 5), "x"), image);
  EXPECT_EQ(decode_image(damaged(text.size() - 13), "x"), image);  // the sum of IDAT
  EXPECT_EQ(decode_image(damaged(text.size() - 17), "x"), image);  // zlib's own
  EXPECT_EQ(decode_image(damaged(text.size() - 1), "x"), image);
}

TEST(ReadImage, APngMayEndAfterItsPixels) {
  const Image image = test::pattern("noise", 6, 5, 1);
  const std::string text = encode_png(image);
  const Bytes bytes(text.begin(), text.end() - 12);
  EXPECT_EQ(decode_image(bytes, "x"), image);
}

/// As in Pillow: zlib's sum at the end of the packed data may be missing, but no pixel.
TEST(ReadImage, APngsPackedDataMayLackTheirSum) {
  const Image image = test::pattern("noise", 6, 5, 1);
  const std::string text = encode_png(image);
  const size_t chunk = text.find("IDAT") - 4;
  ASSERT_EQ(text.substr(chunk, 3), std::string(3, 0));  // its length has one byte
  const auto without = [&](ptrdiff_t count) {
    Bytes bytes(text.begin(), text.end());
    bytes[chunk + 3] = static_cast<uint8_t>(bytes[chunk + 3] - count);
    const auto sum_of_chunk = bytes.end() - 12 - 4;
    bytes.erase(sum_of_chunk - count, sum_of_chunk);
    return bytes;
  };
  EXPECT_EQ(decode_image(without(4), "x"), image);
  expect_failure(without(40), "Not enough image data");
}

}  // namespace
}  // namespace sd
