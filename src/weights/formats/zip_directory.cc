#include "weights/formats/zip_directory.h"

#include <fmt/core.h>

#include <optional>

#include "base/strings.h"
#include "weights/formats/byte_cursor.h"
#include "weights/formats/inflate.h"

namespace sd::weights {
namespace {

// Signatures and sizes of PKWARE's APPNOTE 6.3.
constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kEnd64Locator = 0x07064b50;
constexpr size_t kLocalHeaderBytes = 30;
constexpr size_t kCentralHeaderBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kEnd64LocatorBytes = 20;
constexpr size_t kEnd64Bytes = 56;
constexpr size_t kMaxComment = 65535;
/// As torch's reader: other bytes may follow the archive, with its comment so many.
constexpr size_t kMaxTail = 65536;
constexpr uint16_t kEncrypted = 1;
constexpr uint16_t kZip64Extra = 1;
constexpr uint16_t kStored = 0;

/// Where the central directory lies and how many entries it has.
struct DirectoryPlace {
  uint64_t begin = 0, bytes = 0, count = 0;
  uint64_t limit = 0;  // nothing of it may lie beyond
};

/// zip64 puts a larger end record in front, and a locator between the two.
std::optional<DirectoryPlace> find_zip64(std::string_view archive, size_t end) {
  if (end < kEnd64LocatorBytes) return std::nullopt;
  ByteCursor locator(archive, "zip64 locator", end - kEnd64LocatorBytes);
  if (locator.u32() != kEnd64Locator) return std::nullopt;
  locator.take(4);
  const uint64_t at = locator.u64();
  if (at > end - kEnd64LocatorBytes || end - kEnd64LocatorBytes - at < kEnd64Bytes) {
    throw damaged("expected the zip64 end record inside the file");
  }
  ByteCursor in(archive, "zip64 end record", at);
  if (in.u32() != kEnd64) throw damaged("expected a zip64 end record, found other bytes");
  in.take(20);  // its size, versions, disk numbers
  DirectoryPlace place;
  place.count = in.u64();
  if (in.u64() != place.count) throw damaged("expected a zip archive of one part, found several");
  place.bytes = in.u64();
  place.begin = in.u64();
  place.limit = at;
  return place;
}

/// The directory that the end record at `end` tells of.
DirectoryPlace read_place(std::string_view archive, size_t end) {
  std::optional<DirectoryPlace> place = find_zip64(archive, end);
  if (!place) {
    ByteCursor in(archive, "zip end record", end + 8);
    place.emplace();
    place->count = in.u16();
    if (in.u16() != place->count) {
      throw damaged("expected a zip archive of one part, found several");
    }
    place->bytes = in.u32();
    place->begin = in.u32();
    place->limit = end;
  }
  if (place->begin > place->limit || place->bytes > place->limit - place->begin) {
    throw damaged("expected the zip directory inside the file");
  }
  if (place->count > place->bytes / kCentralHeaderBytes) {
    throw damaged(fmt::format("expected {} entries in the zip directory, found room for {}",
                              place->count, place->bytes / kCentralHeaderBytes));
  }
  return *place;
}

/// True for an end record whose comment fits before the archive's end.
bool is_end(std::string_view archive, size_t at) {
  return little_endian(archive.data() + at, 4) == kEnd &&
         little_endian(archive.data() + at + 20, 2) <= archive.size() - kEndBytes - at;
}

/// True if the directory's first entry lies where the end record says. Bytes behind an archive can
/// look like an end record, but not like that.
bool leads_to_entry(std::string_view archive, size_t end) {
  try {
    const DirectoryPlace place = read_place(archive, end);
    return place.count > 0 && little_endian(archive.data() + place.begin, 4) == kCentralHeader;
  } catch (const Error&) {
    return false;
  }
}

/// The last end record that leads to a directory. If none does, the last one is read for what is
/// wrong with it.
DirectoryPlace find_directory(std::string_view archive) {
  std::optional<size_t> broken;
  if (archive.size() >= kEndBytes) {
    const size_t last = archive.size() - kEndBytes;
    const size_t first = last > kMaxComment + kMaxTail ? last - kMaxComment - kMaxTail : 0;
    for (size_t at = last + 1; at-- > first;) {
      if (!is_end(archive, at)) continue;
      if (leads_to_entry(archive, at)) return read_place(archive, at);
      if (!broken) broken = at;
    }
  }
  if (broken) return read_place(archive, *broken);
  throw damaged("expected a zip directory at the end of the file, found none");
}

/// Sizes and offsets that 32 bits cannot hold follow in an extra field, in this order.
void read_zip64_extra(std::string_view extra, ZipEntry* entry) {
  ByteCursor fields(extra, "zip extra fields");
  while (fields.left() >= 4) {
    const uint16_t id = fields.u16();
    ByteCursor field(fields.take(fields.u16()), "zip64 extra field");
    if (id != kZip64Extra) continue;
    for (uint64_t* number : {&entry->bytes, &entry->stored_bytes, &entry->header}) {
      if (*number == UINT32_MAX) *number = field.u64();
    }
    return;
  }
}

ZipEntry read_entry(ByteCursor& in) {
  if (in.u32() != kCentralHeader) {
    throw damaged(fmt::format("expected a zip directory entry at byte {}", in.position() - 4));
  }
  ZipEntry entry;
  in.take(4);  // versions
  entry.flags = in.u16();
  entry.method = in.u16();
  in.take(4);  // time and date
  entry.crc32 = in.u32();
  entry.stored_bytes = in.u32();
  entry.bytes = in.u32();
  const uint16_t name_bytes = in.u16();
  const uint16_t extra_bytes = in.u16();
  const uint16_t comment_bytes = in.u16();
  in.take(8);  // disk number, attributes
  entry.header = in.u32();
  entry.name = in.take(name_bytes);
  read_zip64_extra(in.take(extra_bytes), &entry);
  in.take(comment_bytes);
  return entry;
}

}  // namespace

ZipDirectory::ZipDirectory(std::string_view archive) : archive_(archive) {
  const DirectoryPlace place = find_directory(archive);
  directory_begin_ = place.begin;
  ByteCursor in(archive.substr(0, place.begin + place.bytes), "zip directory", place.begin);
  entries_.reserve(place.count);
  by_name_.reserve(place.count);
  for (uint64_t i = 0; i < place.count; ++i) {
    entries_.push_back(read_entry(in));
    if (!by_name_.emplace(entries_.back().name, entries_.size() - 1).second) {
      throw damaged("expected each name once in the zip directory, found " +
                    printable(entries_.back().name) + " twice");
    }
  }
}

const ZipEntry* ZipDirectory::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

std::string ZipDirectory::locate(const ZipEntry& entry, uint64_t* offset) const {
  const std::string shown = "zip entry " + printable(entry.name);
  if (entry.method != kStored && !entry.is_deflated()) {
    return "expected a stored or deflated " + shown +
           fmt::format(
               ", found packing method {}: unpack the archive and pack it again with zip -0",
               entry.method);
  }
  if ((entry.flags & kEncrypted) != 0) return "expected a plain " + shown + ", found it encrypted";
  if (entry.method == kStored && entry.stored_bytes != entry.bytes) {
    return "expected one size for the " + shown;
  }
  if (entry.header > directory_begin_ || directory_begin_ - entry.header < kLocalHeaderBytes) {
    return "expected the " + shown + " inside the file";
  }
  ByteCursor in(archive_.substr(0, directory_begin_), "zip entry", entry.header);
  if (in.u32() != kLocalHeader) return "expected a local header for the " + shown;
  in.take(kLocalHeaderBytes - 8);
  const uint16_t name_bytes = in.u16();
  const uint16_t extra_bytes = in.u16();
  if (uint64_t{name_bytes} + extra_bytes > in.left() || in.take(name_bytes) != entry.name) {
    return "expected the same name in the local header of the " + shown;
  }
  in.take(extra_bytes);
  if (entry.stored_bytes > in.left()) return "expected all bytes of the " + shown + " in the file";
  *offset = in.position();
  return "";
}

std::string_view ZipDirectory::read(const ZipEntry& entry, std::string* unpacked) const {
  PackedRun run{std::string(entry.name), 0, entry.stored_bytes, entry.bytes, entry.crc32};
  std::string problem = locate(entry, &run.offset);
  if (problem.empty() && !entry.is_deflated()) {
    const std::string_view bytes = archive_.substr(run.offset, run.bytes);
    problem = check_crc(run, bytes);
    if (problem.empty()) return bytes;
  }
  if (problem.empty() && entry.bytes > archive_.size()) {
    problem = "expected the zip entry " + printable(entry.name) +
              " to inflate to less than the file's size";
  }
  if (problem.empty()) {
    unpacked->resize(entry.bytes);
    problem = inflate_run(archive_, run, unpacked->data());
  }
  if (!problem.empty()) throw damaged(problem);
  return *unpacked;
}

}  // namespace sd::weights
