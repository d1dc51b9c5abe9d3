#include "image/png_metadata.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "image/image_io.h"
#include "image/png_sums.h"
#include "sd/error.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

std::span<const uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

PngMetadata round_trip(const PngMetadata& metadata) {
  return decode_png_metadata(as_bytes(encode_png(Image(2, 2), metadata)), "x");
}

TEST(PngMetadata, ComesBackAsItWas) {
  PngMetadata metadata;
  metadata.add("parameters", "a cat\nSteps: 50, Sampler: PLMS");
  metadata.add("latin", "caf\u00e9 \u00ff \u0080");
  metadata.add("other", "日本語, ☃, 😀, \u0100");
  metadata.add("sd", "{\"prompt\": \"a \\\"cat\\\"\"}");
  metadata.add("empty", "");
  metadata.add("long", std::string(200000, 'x'));
  metadata.add("parameters", "twice");
  const PngMetadata back = round_trip(metadata);
  EXPECT_EQ(back.texts, metadata.texts);
  ASSERT_NE(back.find("parameters"), nullptr);
  EXPECT_EQ(back.find("parameters")->substr(0, 5), "a cat");
  EXPECT_EQ(back.find("absent"), nullptr);
}

TEST(PngMetadata, Latin1GoesIntoTextAndTheRestIntoInternationalText) {
  PngMetadata metadata;
  metadata.add("a", "\u00e9");
  EXPECT_NE(encode_png(Image(1, 1), metadata).find(std::string("tEXta\0\xe9", 7)),
            std::string::npos);
  metadata.texts[0].second = "\u0153";
  EXPECT_NE(encode_png(Image(1, 1), metadata).find(std::string("iTXta\0\0\0\0\0\xc5\x93", 12)),
            std::string::npos);
}

TEST(PngMetadata, NulIsShownAsASymbol) {
  PngMetadata metadata;
  metadata.add("a", std::string("x\0y", 3));
  EXPECT_EQ(*round_trip(metadata).find("a"), "x\u2400y");
}

TEST(PngMetadata, ReadsWhatPillowWrites) {
  const PngMetadata metadata = read_png_metadata(test::image_data_dir() / "texts.png");
  std::string accents, words;
  for (int k = 0; k < 500; ++k) accents += "é";
  for (int k = 0; k < 100; ++k) words += "日本語 😀";
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"plain", "café\nzwei"}, {"packed", accents}, {"many", "日本語 😀"}, {"many-packed", words}};
  EXPECT_EQ(metadata.texts, expected);
}

TEST(PngMetadata, OtherFilesAreRefused) {
  EXPECT_THROW(read_png_metadata(test::image_data_dir() / "gray.jpg"), Error);
  EXPECT_THROW(read_png_metadata("/nowhere.png"), Error);
}

std::string chunk(const std::string& type, const std::string& data) {
  const auto big = [](uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>((value >> shift) & 0xFF);
    return text;
  };
  const std::string summed = type + data;
  const uLong sum = crc32_z(0, as_bytes(summed).data(), summed.size());
  return big(static_cast<uint32_t>(data.size())) + summed + big(static_cast<uint32_t>(sum));
}

std::string png_with(const std::string& type, const std::string& data) {
  const std::string png = encode_png(Image(1, 1));
  return png.substr(0, 33) + chunk(type, data) + png.substr(33);
}

TEST(PngMetadata, BrokenTextIsRefused) {
  const auto message = [](const std::string& type, const std::string& data) -> std::string {
    const std::string png = png_with(type, data);
    try {
      decode_png_metadata(as_bytes(png), "x");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
      return error.what();
    }
    return "";
  };
  using namespace std::string_literals;
  EXPECT_EQ(message("tEXt", "a\0b"s), "");
  EXPECT_EQ(message("tEXt", "no end"), "");  // a keyword without a text
  EXPECT_NE(message("zTXt", "a\0"s).find("zTXt: "), std::string::npos);
  EXPECT_NE(message("zTXt", "a\0\1x"s).find("zTXt: "), std::string::npos);
  EXPECT_NE(message("zTXt", "a\0\0x"s).find("zTXt: "), std::string::npos);
  EXPECT_NE(message("iTXt", "a\0\0\0en"s).find("iTXt: "), std::string::npos);
  EXPECT_NE(message("iTXt", "a\0\0\0\0\0\xff"s).find("not UTF-8"), std::string::npos);
  EXPECT_NE(message("iTXt", "a\0\2\0\0\0x"s).find("iTXt: "), std::string::npos);
}

/// Those that its writers put there by mistake: no text is lost in silence.
TEST(PngMetadata, AWrongCheckSumIsTold) {
  std::string png = png_with("tEXt", std::string("a\0b", 3));
  png[png.find("tEXt") + 4 + 3] ^= 1;
  try {
    decode_png_metadata(as_bytes(png), "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("tEXt: CRC error"), std::string::npos) << error.what();
  }
}

TEST(PngMetadata, PixelsMayBeDamaged) {
  PngMetadata metadata;
  metadata.add("a", "b");
  std::string png = encode_png(test::pattern("noise", 90, 90, 1), metadata);
  png[png.size() / 2] ^= 0x55;
  EXPECT_EQ(decode_png_metadata(as_bytes(png), "x").texts, metadata.texts);
}

TEST(PngSums, TellWhatIsNotAsItWasWritten) {
  PngMetadata metadata;
  metadata.add("sd", "{}");
  const std::string png = encode_png(Image(9, 5), metadata);
  EXPECT_EQ(problem_of_png_sums(as_bytes(png)), "");
  EXPECT_EQ(problem_of_png_sums(as_bytes("no PNG")), "");
  EXPECT_EQ(problem_of_png_sums({}), "");
  for (size_t place = 8; place < png.size(); ++place) {
    std::string other = png;
    other[place] = static_cast<char>(other[place] ^ 4);
    EXPECT_NE(problem_of_png_sums(as_bytes(other)), "") << place;
    EXPECT_NE(problem_of_png_sums(as_bytes(png.substr(0, place))), "") << place;
  }
  EXPECT_EQ(problem_of_png_sums(as_bytes(png + "x")), "there are bytes after its end");
  std::string pixels = png;
  pixels[png.find("IDAT") + 6] ^= 1;
  EXPECT_EQ(problem_of_png_sums(as_bytes(pixels)), "the check sum of its IDAT is wrong");
}

TEST(PngMetadata, TextBehindThePixelsCounts) {
  const std::string png = encode_png(test::pattern("noise", 90, 90, 1));
  const size_t end = png.size() - 12;
  const std::string texts = chunk("tEXt", std::string("a\0b", 3)) + chunk("vpAg", "?");
  EXPECT_EQ(
      *decode_png_metadata(as_bytes(png.substr(0, end) + texts + png.substr(end)), "x").find("a"),
      "b");
}

TEST(PngMetadata, ABombIsNotInflated) {
  std::string zeros(kMaxPngTextBytes + 1, ' ');
  uLong size = compressBound(zeros.size());
  std::string packed(size, '\0');
  ASSERT_EQ(compress2(reinterpret_cast<Bytef*>(packed.data()), &size, as_bytes(zeros).data(),
                      zeros.size(), 9),
            Z_OK);
  packed.resize(size);
  const std::string png = png_with("zTXt", std::string("a\0\0", 3) + packed);
  EXPECT_THROW(decode_png_metadata(as_bytes(png), "x"), Error);
}

}  // namespace
}  // namespace sd
