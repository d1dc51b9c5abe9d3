#include "image/formats/png_chunks.h"

#include <zlib.h>

#include <algorithm>
#include <cctype>

#include "base/strings.h"

namespace sd {

bool has_png_signature(ByteSpan bytes) {
  return bytes.size() >= sizeof kPngSignature &&
         std::equal(std::begin(kPngSignature), std::end(kPngSignature), bytes.begin());
}

PngChunks::PngChunks(ByteSpan bytes, const std::string& name) : bytes_(bytes), name_(name) {
  if (!has_png_signature(bytes)) {
    throw Error(ErrorKind::kFile, name + ": not a PNG: its signature is missing");
  }
}

std::optional<PngChunk> PngChunks::next() {
  constexpr size_t kFrame = 12;  // length, type, check sum
  if (ended_) return std::nullopt;
  const size_t left = bytes_.size() - offset_;
  const uint64_t length = left >= kFrame ? big32(bytes_, offset_) : 0;
  if (left < kFrame || length > left - kFrame) {
    ended_ = cut_short_ = true;
    return std::nullopt;
  }
  const ByteSpan summed = bytes_.subspan(offset_ + 4, 4 + length);
  PngChunk chunk{std::string(summed.begin(), summed.begin() + 4), summed.subspan(4)};
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  if (!std::all_of(chunk.type.begin(), chunk.type.end(), is_letter)) {
    throw_damaged(name_, "PNG", "a chunk is called \"" + printable(chunk.type) + "\"");
  }
  const uLong sum = crc32(crc32(0, nullptr, 0), summed.data(), static_cast<uInt>(summed.size()));
  if (sum != big32(bytes_, offset_ + 8 + length)) {
    throw_damaged(name_, "PNG", "the check sum of its " + chunk.type + " chunk is wrong");
  }
  offset_ += kFrame + length;
  ended_ = chunk.type == "IEND";
  return chunk;
}

}  // namespace sd
