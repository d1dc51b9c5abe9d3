#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sd {

/// SHA-256 (FIPS 180-4), fed piece by piece.
class Sha256 {
 public:
  void update(const void* data, size_t size);

  /// The digest in hexadecimal. The object is spent.
  std::string finish();

 private:
  static constexpr size_t kBlock = 64;

  void compress(const unsigned char* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlock> pending_ = {};
  uint64_t total_ = 0;
};

/// The digest of the bytes, in hexadecimal.
std::string sha256_of(const void* data, size_t size);

}  // namespace sd
