// Damaged pictures: each cut and each flipped byte must give a picture or an Error(kFile), never a
// crash, a hang or a huge allocation. Worth most when built with SD_SANITIZE=address,undefined.

#include <gtest/gtest.h>

#include <memory>

#include "base/log.h"
#include "fixtures.h"
#include "image/exif.h"
#include "image/formats/decoders.h"
#include "image/image_io.h"
#include "sd/error.h"
#include "support/expect_error.h"
#include "support/pattern.h"

namespace sd {
using namespace image;

namespace {

using Bytes = std::vector<uint8_t>;

class HostileImage : public ::testing::Test {
 protected:
  void SetUp() override { set_verbosity(Verbosity::kQuiet); }
  void TearDown() override { set_verbosity(Verbosity::kNormal); }

  static std::vector<std::filesystem::path> fixtures() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(test::image_data_dir())) {
      const auto ending = entry.path().extension();
      if (ending != ".py" && ending != ".json") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
};

/// True if it decodes. Anything but an Error(kFile) fails the test.
bool decodes(const Bytes& bytes, const std::string& name) {
  try {
    const Image image = decode_image(bytes, name);
    EXPECT_EQ(image.rgb.size(), image.pixels() * 3);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile) << error.what();
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos);
    return false;
  }
}

/// Each decoder by itself, which `decode_image` calls only for the first bytes of its format.
TEST_F(HostileImage, OfAFewBytesIsRefusedByEachDecoder) {
  using Decoder = Image (*)(ByteSpan, const std::string&);
  for (const Decoder decode : {decode_png, decode_jpeg, decode_gif, decode_bmp, decode_pnm,
                               decode_psd, decode_hdr, decode_webp, decode_tiff, decode_tga}) {
    for (size_t length = 0; length < 24; ++length) {
      const auto bytes = std::make_unique<uint8_t[]>(length);  // no byte more, for the sanitizer
      test::expect_error(ErrorKind::kFile, "few", [&] { decode({bytes.get(), length}, "few"); });
    }
  }
}

TEST_F(HostileImage, EveryPrefixIsAnErrorOrTheRightPicture) {
  for (const auto& path : fixtures()) {
    const std::string name = path.filename().string();
    const Bytes whole = test::file_bytes(path);
    const Image right = decode_image(whole, name);
    const auto ending = path.extension();
    const bool plain_text = ending == ".pnm" && name[1] <= '3';  // may lose its last digits
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      if (decodes(cut, name) && !plain_text) {
        EXPECT_TRUE(decode_image(cut, name) == right) << name << " cut to " << size;
      }
    }
  }
}

TEST_F(HostileImage, FlippedBytesDoNoHarm) {
  for (const auto& path : fixtures()) {
    const std::string name = path.filename().string();
    const Bytes whole = test::file_bytes(path);
    for (uint64_t round = 0; round < 300; ++round) {
      Bytes bytes = whole;
      const unsigned flips = 1 + test::hashed(round, 1) % 3;
      for (uint64_t k = 0; k < flips; ++k) {
        const uint64_t at =
            (uint64_t{test::hashed(round, 10 + k)} << 8 | test::hashed(round, 20 + k));
        // The headers get most of them.
        const size_t range = round % 3 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 64);
        bytes[at % range] = test::hashed(round, 30 + k);
      }
      decodes(bytes, name);
    }
  }
}

/// PNG's check sums hide its inner code from flips; here they are made right again.
TEST_F(HostileImage, PngChunksWithRightSumsAndWrongContents) {
  for (const auto& path : fixtures()) {
    if (path.extension() != ".png") continue;
    const Bytes whole = test::file_bytes(path);
    for (uint64_t round = 0; round < 300; ++round) {
      Bytes bytes = whole;
      const size_t at = 8 + (uint64_t{test::hashed(round, 1)} << 8 | test::hashed(round, 2)) %
                                (round % 2 == 0 ? 40 : bytes.size() - 8);
      bytes[at] = test::hashed(round, 3);
      for (size_t chunk = 8; chunk + 12 <= bytes.size();) {
        const size_t length = static_cast<size_t>(bytes[chunk]) << 24 | bytes[chunk + 1] << 16 |
                              bytes[chunk + 2] << 8 | bytes[chunk + 3];
        if (length > bytes.size() - chunk - 12) break;
        const auto sum = static_cast<uint32_t>(crc32_z(0, &bytes[chunk + 4], length + 4));
        for (size_t k = 0; k < 4; ++k) {
          bytes[chunk + 8 + length + k] = static_cast<uint8_t>(sum >> (24 - 8 * k));
        }
        chunk += length + 12;
      }
      decodes(bytes, "x.png");
      try {
        decode_png_metadata(bytes, "x.png");
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kFile);
      }
    }
  }
}

TEST_F(HostileImage, NoiseAfterEachSignature) {
  using namespace std::string_literals;
  const std::vector<std::string> starts = {"\x89PNG\r\n\x1a\n",
                                           "\xFF\xD8\xFF"s,
                                           "GIF89a",
                                           "BM",
                                           "P1\n",
                                           "P3\n",
                                           "P6\n",
                                           "8BPS",
                                           "#?RADIANCE\n",
                                           "II*\0\x8\0\0\0"s,
                                           "MM\0*\0\0\0\x8"s,
                                           "RIFF\x24\1\0\0WEBPVP8 \x18\1\0\0"s,
                                           "RIFF\x24\1\0\0WEBPVP8L\x18\1\0\0\x2F"s,
                                           "RIFF\x24\1\0\0WEBPVP8X\x0A\0\0\0"s,
                                           ""};
  for (const auto& start : starts) {
    for (uint64_t round = 0; round < 200; ++round) {
      Bytes bytes(start.begin(), start.end());
      for (uint64_t i = 0; i < 300; ++i) bytes.push_back(test::hashed(i, round + 7));
      decodes(bytes, "noise.tga");
    }
  }
}

TEST_F(HostileImage, OrientationOfDamagedFilesIsUpright) {
  const test::TemporaryFolder folder;
  for (const char* name : {"orientation6.jpg", "orientation5.png"}) {
    const Bytes whole = test::file_bytes(test::image_data_dir() / name);
    for (uint64_t round = 0; round < 300; ++round) {
      Bytes bytes = whole;
      bytes[test::hashed(round, 1) % 120] = test::hashed(round, 2);
      if (round % 3 == 0) bytes.resize(test::hashed(round, 3));
      const auto path = folder.path() / name;
      std::ofstream(path, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      const int orientation = exif_orientation(test::file_bytes(path));
      EXPECT_TRUE(orientation >= 1 && orientation <= 8);
    }
  }
}

/// A GIF of a few bytes: this screen, and a frame of 1x1 on it.
Bytes gif_of(unsigned width, unsigned height) {
  const auto byte = [](unsigned value) { return static_cast<uint8_t>(value & 0xFF); };
  Bytes bytes = {'G',
                 'I',
                 'F',
                 '8',
                 '9',
                 'a',
                 byte(width),
                 byte(width >> 8),
                 byte(height),
                 byte(height >> 8),
                 0x80,
                 0,
                 0,
                 1,
                 2,
                 3,
                 4,
                 5,
                 6,
                 ',',
                 0,
                 0,
                 0,
                 0,
                 1,
                 0,
                 1,
                 0,
                 0,
                 2,
                 2,
                 0x44,
                 0x01,
                 0};
  return bytes;
}

/// A lossless WebP that ends after its sides.
Bytes webp_of(uint32_t width, uint32_t height) {
  using namespace std::string_literals;
  const std::string text = "RIFF\x16\0\0\0WEBPVP8L\x0A\0\0\0\x2F"s;
  Bytes bytes(text.begin(), text.end());
  const uint32_t sides = (width - 1) | (height - 1) << 14;
  for (int k = 0; k < 4; ++k) bytes.push_back(static_cast<uint8_t>(sides >> 8 * k));
  bytes.resize(bytes.size() + 5);
  return bytes;
}

/// A TIFF of that compression, one strip of 8 bytes at its start.
Bytes tiff_of(uint32_t width, uint32_t height, uint32_t compression) {
  Bytes bytes = {'I', 'I', '*', 0, 8, 0, 0, 0, 7, 0};
  const auto put = [&](uint32_t value, int size) {
    for (int k = 0; k < size; ++k) bytes.push_back(static_cast<uint8_t>(value >> 8 * k));
  };
  const uint32_t tags[][2] = {{256, width}, {257, height}, {258, 8}, {259, compression},
                              {262, 1},     {273, 0},      {279, 8}};
  for (const auto& [tag, value] : tags) {
    put(tag, 2), put(4, 2), put(1, 4), put(value, 4);
  }
  put(0, 4);
  return bytes;
}

std::string said_of(const Bytes& bytes) {
  try {
    decode_image(bytes, "x");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// What a file claims is held against what its bytes can hold before memory is asked for.
TEST_F(HostileImage, ClaimsAreCheckedBeforeMemoryIsSpent) {
  EXPECT_TRUE(decodes(gif_of(100, 100), "x"));
  EXPECT_TRUE(decodes(gif_of(4096, 4096), "x"));
  EXPECT_FALSE(decodes(gif_of(32639, 3584), "x"));
  EXPECT_FALSE(decodes(gif_of(65535, 300), "x"));
  const char* const kTooLarge = "can hold";
  EXPECT_NE(said_of(webp_of(16000, 10000)).find(kTooLarge), std::string::npos);
  EXPECT_NE(said_of(webp_of(100, 100)).find("a damaged WebP"), std::string::npos);
  for (const uint32_t compression : {1U, 5U, 7U, 8U, 32773U}) {
    EXPECT_NE(said_of(tiff_of(16000, 10000, compression)).find(kTooLarge), std::string::npos);
    EXPECT_NE(said_of(tiff_of(100, 100, compression)).find("a damaged TIFF"), std::string::npos);
  }
}

}  // namespace
}  // namespace sd
