#include "image/exif.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/strings.h"
#include "image/formats/decoders.h"
#include "image/formats/libpng.h"
#include "image/formats/webp_file.h"

namespace sd::image {
namespace {

// ---- where a format keeps its EXIF data

using Bytes = std::vector<uint8_t>;

constexpr std::string_view kExif("Exif\0\0", 6);

/// JPEG: the first APP1 segment that starts with "Exif\0\0".
Bytes exif_in_jpeg(ByteSpan bytes) {
  size_t at = 2;
  while (at + 4 <= bytes.size() && bytes[at] == 0xFF) {
    const unsigned marker = bytes[at + 1];
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) return {};  // pixels, or the end
    const size_t length = big16(bytes, at + 2);
    if (length < 2 || at + 2 + length > bytes.size()) return {};
    const ByteSpan segment = bytes.subspan(at + 4, length - 2);
    if (marker == 0xE1 && has_text(segment, kExif)) {
      return {segment.begin() + kExif.size(), segment.end()};
    }
    at += 2 + length;
  }
  return {};
}

/// The bytes of a profile as ImageMagick writes it into a text: a name, their number, and two
/// digits for each, in lines.
Bytes raw_profile(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef", kBlank = " \n";
  for (int word = 0; word < 2; ++word) {  // the name, and the number
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
  Bytes bytes;
  size_t count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) continue;
    if (count++ % 2 == 0) bytes.push_back(0);
    bytes.back() = static_cast<uint8_t>(bytes.back() << 4 | digit);
  }
  return bytes;
}

/// What ImageMagick made of the EXIF data of a JPEG before PNG had a chunk for them.
Bytes exif_in_texts(const PngReader& reader) {
  png_textp texts = nullptr;
  const int count = png_get_text(reader.png, reader.info, &texts, nullptr);
  for (int i = 0; i < count; ++i) {
    const std::string_view key = texts[i].key;
    if (key == "Raw profile type exif" || key == "Raw profile type APP1") {
      return raw_profile({texts[i].text, texts[i].text_length});
    }
  }
  return {};
}

Bytes exif_in_png(ByteSpan bytes) {
  constexpr size_t kMemory = 64U << 20;
  PngReader reader(bytes, kMemory);
  reader.want({"eXIf", "tEXt", "zTXt"});
  // What was read before an error counts: a damaged picture is decode_image's to report.
  static_cast<void>(reader.attempt([&] { reader.read_all_but_pixels(); }));
  png_bytep exif = nullptr;
  png_uint_32 size = 0;
  if (png_get_eXIf_1(reader.png, reader.info, &size, &exif) == 0) return exif_in_texts(reader);
  return {exif, exif + size};
}

/// Without what begins a JPEG's segment, which some writers put before them in other formats.
Bytes without_mark(Bytes exif) {
  if (has_text(exif, kExif)) exif.erase(exif.begin(), exif.begin() + kExif.size());
  return exif;
}

/// A TIFF structure, or nothing.
Bytes find_exif(ByteSpan bytes) {
  if (has_text(bytes, kPngSignature)) return without_mark(exif_in_png(bytes));
  if (has_text(bytes, "\xFF\xD8")) return exif_in_jpeg(bytes);
  if (is_webp(bytes)) return without_mark(WebpFile(bytes).chunk("EXIF"));
  return has_text(bytes, {"II*\0", 4}) || has_text(bytes, {"MM\0*", 4})
             ? Bytes(bytes.begin(), bytes.end())
             : Bytes();
}

// ---- what is in them: directories as in a TIFF file

/// A value of a directory.
struct Entry {
  uint32_t type = 0, count = 0;
  size_t at = 0;  ///< of its four bytes: the value, or where it is
};

class Tiff {
 public:
  explicit Tiff(ByteSpan bytes) : bytes_(bytes) {}

  bool makes_sense() const {
    const bool ordered = has_text(bytes_, "II") || has_text(bytes_, "MM");
    return ordered && bytes_.size() >= 8 && u16(2) == 42;
  }
  bool little() const { return bytes_[0] == 'I'; }
  uint32_t u16(size_t at) const { return little() ? little16(bytes_, at) : big16(bytes_, at); }
  uint32_t u32(size_t at) const { return little() ? little32(bytes_, at) : big32(bytes_, at); }

  /// The entry with that tag of the directory at `directory`.
  std::optional<Entry> find(size_t directory, uint32_t tag) const {
    constexpr size_t kEntryBytes = 12;
    if (directory > bytes_.size() - 2) return std::nullopt;
    const size_t count = u16(directory);
    for (size_t i = 0; i < count; ++i) {
      const size_t entry = directory + 2 + i * kEntryBytes;
      if (entry + kEntryBytes > bytes_.size()) return std::nullopt;
      if (u16(entry) == tag) return Entry{u16(entry + 2), u32(entry + 4), entry + 8};
    }
    return std::nullopt;
  }

  /// A number of 16 or 32 bits.
  std::optional<uint32_t> number(const std::optional<Entry>& entry) const {
    constexpr uint32_t kShort = 3, kLong = 4;
    if (!entry || (entry->type != kShort && entry->type != kLong)) return std::nullopt;
    return entry->type == kShort ? u16(entry->at) : u32(entry->at);
  }

  /// A run of bytes, empty where it does not lie within the data.
  ByteSpan blob(const Entry& entry) const {
    constexpr uint32_t kByte = 1, kAscii = 2, kUndefined = 7;
    const bool of_bytes = entry.type == kByte || entry.type == kAscii || entry.type == kUndefined;
    const size_t at = entry.count <= 4 ? entry.at : u32(entry.at);
    if (!of_bytes || at > bytes_.size() || entry.count > bytes_.size() - at) return {};
    return bytes_.subspan(at, entry.count);
  }

 private:
  ByteSpan bytes_;
};

// ---- text

/// UTF-16 without a mark is big-endian for most writers (piexif, say), whatever the file's order;
/// text has more small code units in its true order than in the other.
bool is_little_utf16(ByteSpan text) {
  if (has_text(text, "\xFF\xFE") || has_text(text, "\xFE\xFF")) return text[0] == 0xFF;
  size_t little = 0, big = 0;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    if (text[i] == 0) ++big;
    if (text[i + 1] == 0) ++little;
  }
  return little > big;
}

std::string from_utf16(ByteSpan text) {
  const bool little = is_little_utf16(text);
  const auto unit = [&](size_t at) { return little ? little16(text, at) : big16(text, at); };
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    uint32_t point = unit(i);
    const bool high = (point & 0xFC00) == 0xD800;
    if (high && i + 3 < text.size() && (unit(i + 2) & 0xFC00) == 0xDC00) {
      i += 2;
      point = 0x10000 + ((point & 0x3FF) << 10 | (unit(i) & 0x3FF));
    }
    if (point == 0 || (i == 0 && point == 0xFEFF)) continue;
    append_utf8((point & 0xFFFFF800) == 0xD800 ? 0xFFFD : point, out);
  }
  return out;
}

/// Bytes up to the first NUL.
std::string plain_text(ByteSpan text) {
  std::string out(text.begin(), text.end());
  out.erase(std::find(out.begin(), out.end(), '\0'), out.end());
  return is_valid_utf8(out) ? out : "";
}

/// A UserComment: eight bytes name its coding; some writers leave them out.
std::string comment_text(ByteSpan comment) {
  constexpr std::array<std::string_view, 3> kPlainCodings = {
      {{"ASCII\0\0\0", 8}, {"JIS\0\0\0\0\0", 8}, {"\0\0\0\0\0\0\0\0", 8}}};
  if (has_text(comment, "UNICODE"))
    return from_utf16(comment.subspan(std::min<size_t>(8, comment.size())));
  for (const std::string_view coding : kPlainCodings) {
    if (has_text(comment, coding)) return plain_text(comment.subspan(coding.size()));
  }
  return plain_text(comment);
}

/// The directory of the pictures' own tags: where it lies among the data.
std::optional<uint32_t> exif_directory(const Tiff& tiff) {
  constexpr uint32_t kExifDirectory = 0x8769;
  return tiff.number(tiff.find(tiff.u32(4), kExifDirectory));
}

}  // namespace

int exif_orientation(std::span<const uint8_t> bytes) {
  constexpr uint32_t kOrientation = 0x0112;
  if (is_tiff(bytes)) return 1;  // decode_image has turned it
  const Bytes exif = find_exif(bytes);
  const Tiff tiff(exif);
  if (!tiff.makes_sense()) return 1;
  const uint32_t value = tiff.number(tiff.find(tiff.u32(4), kOrientation)).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

ExifTexts exif_texts(std::span<const uint8_t> bytes) {
  constexpr uint32_t kImageDescription = 0x010E, kUserComment = 0x9286, kMakerNote = 0x927C;
  constexpr std::array<std::pair<uint32_t, const char*>, 3> kTags = {
      {{0x010F, "Make"}, {0x0110, "Model"}, {0x0131, "Software"}}};
  const Bytes exif = find_exif(bytes);
  const Tiff tiff(exif);
  ExifTexts texts;
  if (!tiff.makes_sense()) return texts;
  const auto text_of = [&](const std::optional<Entry>& entry) {
    return entry ? plain_text(tiff.blob(*entry)) : "";
  };
  const auto add = [&](const char* name, const std::optional<Entry>& entry) {
    if (std::string text = text_of(entry); !text.empty()) {
      texts.others.emplace_back(name, std::move(text));
    }
  };
  const size_t main = tiff.u32(4);
  texts.image_description = text_of(tiff.find(main, kImageDescription));
  for (const auto& [tag, name] : kTags) add(name, tiff.find(main, tag));
  if (const auto directory = exif_directory(tiff)) {
    const auto comment = tiff.find(*directory, kUserComment);
    if (comment) texts.user_comment = comment_text(tiff.blob(*comment));
    add("MakerNote", tiff.find(*directory, kMakerNote));
  }
  return texts;
}

Image apply_orientation(const Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool swaps = orientation >= 5;
  const int width = swaps ? image.height : image.width;
  const int height = swaps ? image.width : image.height;
  const int right = image.width - 1, bottom = image.height - 1;
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::array<int, 2> from = [&]() -> std::array<int, 2> {
        switch (orientation) {
          case 2:  // mirrored
            return {right - x, y};
          case 3:  // upside down
            return {right - x, bottom - y};
          case 4:  // mirrored upside down
            return {x, bottom - y};
          case 5:  // mirrored along the main diagonal
            return {y, x};
          case 6:  // lies on its left side
            return {y, bottom - x};
          case 7:  // mirrored along the other diagonal
            return {right - y, bottom - x};
          default:  // 8: lies on its right side
            return {right - y, x};
        }
      }();
      std::copy_n(image.at(from[0], from[1]), 3, out.at(x, y));
    }
  }
  return out;
}

}  // namespace sd::image
