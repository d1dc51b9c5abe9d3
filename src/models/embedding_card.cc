#include "models/embedding_card.h"

#include <ATen/ATen.h>
#include <zlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/strings.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "image/png_metadata.h"
#include "sd/error.h"

namespace sd::models {
namespace {

using nlohmann::json;

/// More than 75 vectors of any width take, as text.
constexpr size_t kMostCardBytes = 16U << 20;

Error damaged_card(const std::string& what) {
  return Error(ErrorKind::kCheckpoint, "the embedding in the picture is damaged: " + what,
               "save the picture again without changing it");
}

std::string decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kDigits.find(c);
    if (value == std::string_view::npos) continue;  // padding, line ends
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

/// A list of numbers or a list of such lists → [n, width].
at::Tensor tensor_of(const json& list) {
  if (!list.is_array() || list.empty()) throw damaged_card("expected a list of vectors");
  const json rows = list.front().is_array() ? list : json::array({list});
  const size_t width = rows.front().size();
  std::vector<float> values;
  for (const json& row : rows) {
    if (!row.is_array() || row.size() != width) throw damaged_card("expected vectors of one width");
    for (const json& value : row) {
      if (!value.is_number()) throw damaged_card("expected numbers");
      values.push_back(value.get<float>());
    }
  }
  return at::tensor(values).view({std::ssize(rows), static_cast<int64_t>(width)});
}

EmbeddingCard parse_card(const std::string& text) {
  constexpr JsonLimits kLimits{.depth = 16, .values = 400'000};  // 75 vectors of any model's width
  const json data = parse_json(text, kLimits);
  if (!data.is_object()) throw damaged_card("expected a JSON object");
  const auto param = data.find("string_to_param");
  if (param == data.end() || !param->is_object() || param->size() != 1 ||
      !param->front().is_object() || !param->front().contains("TORCHTENSOR")) {
    throw damaged_card("expected one tensor under \"string_to_param\"");
  }
  EmbeddingCard card{.name = {}, .vectors = tensor_of(param->front()["TORCHTENSOR"])};
  if (data.contains("name") && data["name"].is_string()) card.name = data["name"];
  return card;
}

std::string inflate_bytes(const std::string& packed) {
  std::string bytes(kMostCardBytes, '\0');
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) throw damaged_card("zlib cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const int status = inflate(&stream, Z_FINISH);
  bytes.resize(stream.total_out);
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw damaged_card("its pixels do not inflate");
  return bytes;
}

/// A picture's columns [begin, end) and rows.
struct Crop {
  int left, right, top, bottom;
};

/// The smallest rectangle around the pixels whose three values are all above 0; all if there is
/// none.
Crop without_black_border(const Image& image) {
  Crop crop{image.width, 0, image.height, 0};
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* pixel = image.at(x, y);
      if (pixel[0] == 0 || pixel[1] == 0 || pixel[2] == 0) continue;
      crop = {std::min(crop.left, x), std::max(crop.right, x + 1), std::min(crop.top, y),
              std::max(crop.bottom, y + 1)};
    }
  }
  return crop.right > 0 ? crop : Crop{0, image.width, 0, image.height};
}

/// Whether the lower halves of a column are 0.
bool is_mark(const Image& image, const Crop& crop, int x) {
  for (int y = crop.top; y < crop.bottom; ++y) {
    const uint8_t* pixel = image.at(x, y);
    if (((pixel[0] | pixel[1] | pixel[2]) & 0x0F) != 0) return false;
  }
  return true;
}

/// The lower halves of the columns [left, right), row by row, without what hides them: the numbers
/// of a linear congruential generator.
std::vector<uint8_t> read_block(const Image& image, const Crop& crop, int left, int right) {
  std::vector<uint8_t> block;
  uint32_t seed = 0;
  for (int y = crop.top; y < crop.bottom; ++y) {
    for (int x = left; x < right; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        seed = 1664525U * seed + 1013904223U;
        const auto hidden = static_cast<uint8_t>(image.at(x, y)[channel] & 0x0F);
        block.push_back(static_cast<uint8_t>(hidden ^ (seed % 255 & 0x0F)));
      }
    }
  }
  return block;
}

/// The bytes whose lower halves stand before the first black column and whose upper ones behind the
/// last; empty if there are no two such columns.
std::string hidden_bytes(const Image& image) {
  const Crop crop = without_black_border(image);
  int first = -1, last = -1;
  for (int x = crop.left; x < crop.right; ++x) {
    if (!is_mark(image, crop, x)) continue;
    if (first < 0) first = x;
    last = x;
  }
  if (first < 0 || first == last) return {};
  const std::vector<uint8_t> lower = read_block(image, crop, crop.left, first);
  const std::vector<uint8_t> upper = read_block(image, crop, last + 1, crop.right);
  if (lower.size() != upper.size()) return {};
  std::string bytes;
  for (size_t i = 0; i < lower.size(); ++i) {
    bytes += static_cast<char>(upper[i] << 4 | lower[i]);
  }
  return bytes;
}

bool is_png(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return extension == ".png";
}

}  // namespace

std::optional<EmbeddingCard> read_embedding_card(const std::filesystem::path& file) {
  const std::vector<uint8_t> bytes = image::read_file_bytes(file);
  if (is_png(file)) {
    const image::PngMetadata metadata = image::decode_png_metadata(bytes, file.string());
    if (const std::string* text = metadata.find("sd-ti-embedding")) {
      return parse_card(decode_base64(*text));
    }
  }
  const std::string packed = hidden_bytes(image::decode_image(bytes, file.string()));
  constexpr char kZlib = 0x78;  // the first byte of every stream that zlib writes
  if (packed.empty() || packed.front() != kZlib) return std::nullopt;
  return parse_card(inflate_bytes(packed));
}

}  // namespace sd::models
