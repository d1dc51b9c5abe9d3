#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace sd::weights {

/// SHA-256 (FIPS 180-4), fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* data, size_t size);

  /// The digest in hexadecimal. The object is spent.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// The digest of the bytes, in hexadecimal.
std::string sha256_of(const void* data, size_t size);

}  // namespace sd::weights
