#include "weights/sha256.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>

#include "sd/error.h"

namespace sd::weights {

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }

  void check(int ok) const {
    if (ok != 1) throw Error(ErrorKind::kInternal, "OpenSSL cannot compute a SHA-256");
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  context_->check(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr));
}
Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t size) {
  context_->check(EVP_DigestUpdate(context_->evp, data, size));
}

std::string Sha256::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned int length = 0;
  context_->check(EVP_DigestFinal_ex(context_->evp, digest.data(), &length));
  std::string text;
  for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256_of(const void* data, size_t size) {
  Sha256 sum;
  sum.update(data, size);
  return sum.finish();
}

}  // namespace sd::weights
