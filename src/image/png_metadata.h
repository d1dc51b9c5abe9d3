#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sd::image {

/// The text chunks of a PNG: keyword and text, both UTF-8, in the file's order. Keywords may
/// repeat.
///
/// When written, a text goes into a tEXt chunk if Latin-1 can hold it and into iTXt if not, which
/// is where every reader of such metadata looks. PNG text cannot hold NUL: it is written as U+2400.
struct PngMetadata {
  std::vector<std::pair<std::string, std::string>> texts;

  void add(std::string keyword, std::string text) {
    texts.emplace_back(std::move(keyword), std::move(text));
  }
  /// The first text with that keyword, or null.
  const std::string* find(std::string_view keyword) const;
};

/// The most that all texts of one file may come to, in bytes.
inline constexpr size_t kMaxPngTextBytes = 64U << 20;

/// Reads tEXt, zTXt and iTXt, before and after the pixels, with every length and check sum checked;
/// the pixels are not decoded. Text that is broken by itself (a zTXt that does not inflate, say) is
/// an error, too.
/// Throws Error(kFile) when the file cannot be read, is no PNG, is damaged, or holds too much text.
PngMetadata read_png_metadata(const std::filesystem::path& path);

/// Reads the texts of a PNG in memory; `name` is what messages call the bytes.
PngMetadata decode_png_metadata(std::span<const uint8_t> bytes, const std::string& name);

}  // namespace sd::image
