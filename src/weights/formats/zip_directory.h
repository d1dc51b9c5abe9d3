#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sd::weights {

/// One file of a zip archive, as the central directory tells it.
struct ZipEntry {
  std::string_view name;  ///< points into the archive
  uint16_t method = 0;    ///< 0: stored, 8: deflated
  uint16_t flags = 0;
  uint32_t crc32 = 0;  ///< 0 where the writer left it out
  uint64_t stored_bytes = 0;
  uint64_t bytes = 0;   ///< unpacked
  uint64_t header = 0;  ///< where its local header lies

  bool is_deflated() const { return method == 8; }
};

/// The central directory of a zip archive (zip64 too).
class ZipDirectory {
 public:
  /// Reads the directory of `archive`, which must outlive the object. Throws kCheckpoint if it is
  /// absent or contradicts itself or the archive's size.
  explicit ZipDirectory(std::string_view archive);

  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;

  /// Finds the entry's bytes, stored or deflated, in the archive. Returns what is wrong (packed in
  /// another way, encrypted, out of bounds, another name in its local header), or "" and sets
  /// `*offset`.
  std::string locate(const ZipEntry& entry, uint64_t* offset) const;

  /// The bytes of an entry, checked against its CRC-32. A deflated one is inflated into
  /// `*unpacked`, if it takes no more memory than the archive. Throws kCheckpoint.
  std::string_view read(const ZipEntry& entry, std::string* unpacked) const;

 private:
  std::string_view archive_;
  uint64_t directory_begin_ = 0;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string_view, size_t> by_name_;
};

}  // namespace sd::weights
