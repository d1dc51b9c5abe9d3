#include "weights/formats/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "base/strings.h"

namespace sd::weights {
namespace {

/// zlib counts in 32 bits.
constexpr uint64_t kPiece = uint64_t{1} << 30;

/// Moves up to a piece of what is left into the count that zlib works on.
void refill(uInt* available, uint64_t* left) {
  if (*available > 0) return;
  *available = static_cast<uInt>(std::min(*left, kPiece));
  *left -= *available;
}

/// Whether `from` inflates to exactly `bytes` bytes.
bool inflates(std::string_view from, char* to, uint64_t bytes) {
  z_stream stream = {};
  // zlib takes a pointer to non-const; it does not write.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data()));
  stream.next_out = reinterpret_cast<Bytef*>(to);
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  uint64_t in_left = from.size(), out_left = bytes;
  int status = Z_OK;
  do {
    refill(&stream.avail_in, &in_left);
    refill(&stream.avail_out, &out_left);
    status = ::inflate(&stream, Z_NO_FLUSH);
  } while (status == Z_OK);
  ::inflateEnd(&stream);
  return status == Z_STREAM_END && stream.avail_out == 0 && out_left == 0;
}

}  // namespace

std::string check_crc(const PackedRun& run, std::string_view bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  if (run.crc32 == 0 || ::crc32_z(0, data, bytes.size()) == run.crc32) return "";
  return "expected the checksum of the zip entry " + printable(run.name) + " to fit its bytes";
}

std::string inflate_run(std::string_view archive, const PackedRun& run, char* to) {
  if (!inflates(archive.substr(run.offset, run.stored_bytes), to, run.bytes)) {
    return "expected the zip entry " + printable(run.name) + " to inflate to its stated size";
  }
  return check_crc(run, {to, run.bytes});
}

}  // namespace sd::weights
