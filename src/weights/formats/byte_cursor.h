#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "sd/error.h"

namespace sd::weights {

/// The error for a file whose bytes contradict its format.
inline Error damaged(const std::string& message) {
  return Error(ErrorKind::kCheckpoint, message,
               "the file is damaged or cut short: fetch or copy it again");
}

/// The unsigned little-endian number of `size` bytes (at most 8) at `data`.
inline uint64_t little_endian(const char* data, size_t size) {
  uint64_t number = 0;
  for (size_t i = size; i-- > 0;) number = number << 8 | static_cast<unsigned char>(data[i]);
  return number;
}

/// Reads bytes from front to back; every step is checked against the end. `what` names the thing
/// being read in messages and must outlive the cursor.
class ByteCursor {
 public:
  ByteCursor(std::string_view bytes, const char* what, size_t position = 0)
      : bytes_(bytes), what_(what), position_(position) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

  std::string_view take(uint64_t count) {
    if (count > left()) {
      throw damaged(fmt::format("expected {} bytes of the {} at byte {}, found {}", count, what_,
                                position_, left()));
    }
    const std::string_view taken = bytes_.substr(position_, count);
    position_ += count;
    return taken;
  }

  uint8_t u8() { return static_cast<uint8_t>(take(1)[0]); }
  uint16_t u16() { return static_cast<uint16_t>(little_endian(take(2).data(), 2)); }
  uint32_t u32() { return static_cast<uint32_t>(little_endian(take(4).data(), 4)); }
  uint64_t u64() { return little_endian(take(8).data(), 8); }

  /// The text up to the next line feed, which is passed over.
  std::string_view line() {
    const std::string_view rest = bytes_.substr(position_);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      throw damaged(
          fmt::format("expected the end of a line in the {} after byte {}", what_, position_));
    }
    position_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  std::string_view bytes_;
  const char* what_;
  size_t position_;
};

}  // namespace sd::weights
