#include "image/exif_writer.h"

#include <cstdint>
#include <vector>

namespace sd::image {
namespace {

constexpr uint16_t kImageDescription = 0x010E, kExifDirectory = 0x8769, kUserComment = 0x9286;
constexpr uint16_t kAscii = 2, kLong = 4, kUndefined = 7;
constexpr size_t kHeaderBytes = 8, kEntryBytes = 12;

void put16(std::string* to, uint32_t value) {
  to->push_back(static_cast<char>(value >> 8 & 0xFF));
  to->push_back(static_cast<char>(value & 0xFF));
}
void put32(std::string* to, uint32_t value) {
  put16(to, value >> 16);
  put16(to, value & 0xFFFF);
}

/// The code point of valid UTF-8 at `*at`, which is moved behind it.
char32_t next_point(std::string_view utf8, size_t* at) {
  const auto byte = [&] { return static_cast<unsigned char>(utf8[(*at)++]); };
  const unsigned lead = byte();
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t point = lead & (0x3FU >> more);
  for (int i = 0; i < more; ++i) point = point << 6 | (byte() & 0x3FU);
  return point;
}

std::string to_utf16(std::string_view utf8) {
  std::string out;
  for (size_t at = 0; at < utf8.size();) {
    const char32_t point = next_point(utf8, &at);
    if (point < 0x10000) {
      put16(&out, point);
    } else {
      const char32_t beyond = point - 0x10000;
      put16(&out, 0xD800 + (beyond >> 10));
      put16(&out, 0xDC00 + (beyond & 0x3FF));
    }
  }
  return out;
}

/// An entry of a directory, with its data.
struct Field {
  uint16_t tag = 0, type = 0;
  uint32_t count = 0;
  std::string data;  ///< of more than four bytes, or the four themselves
};

/// A directory that begins at `at`, and behind it its entries' data, each at an even place.
std::string directory(const std::vector<Field>& entries, size_t at) {
  std::string table, data;
  const size_t data_at = at + 2 + entries.size() * kEntryBytes + 4;
  put16(&table, static_cast<uint32_t>(entries.size()));
  for (const Field& entry : entries) {
    put16(&table, entry.tag);
    put16(&table, entry.type);
    put32(&table, entry.count);
    if (entry.data.size() <= 4) {
      table += entry.data + std::string(4 - entry.data.size(), '\0');
      continue;
    }
    put32(&table, static_cast<uint32_t>(data_at + data.size()));
    data += entry.data;
    if (data.size() % 2 != 0) data.push_back('\0');
  }
  put32(&table, 0);  // no further directory
  return table + data;
}

Field entry_of(uint16_t tag, uint16_t type, std::string data) {
  return {tag, type, static_cast<uint32_t>(data.size()), std::move(data)};
}

}  // namespace

std::string make_exif(std::string_view comment, std::string_view description) {
  std::vector<Field> first, exif;
  if (!description.empty()) {
    first.push_back(entry_of(kImageDescription, kAscii, std::string(description) + '\0'));
  }
  if (!comment.empty()) {
    exif.push_back(
        entry_of(kUserComment, kUndefined, std::string("UNICODE\0", 8) + to_utf16(comment)));
    first.push_back({kExifDirectory, kLong, 1, std::string(4, '\0')});  // its place: see below
  }
  std::string main = directory(first, kHeaderBytes);
  if (!exif.empty()) {
    const size_t exif_at = kHeaderBytes + main.size();
    first.back().data.clear();
    put32(&first.back().data, static_cast<uint32_t>(exif_at));
    main = directory(first, kHeaderBytes) + directory(exif, exif_at);
  }
  std::string tiff = "MM";
  put16(&tiff, 42);
  put32(&tiff, kHeaderBytes);
  return tiff + main;
}

}  // namespace sd::image
