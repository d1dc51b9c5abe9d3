#include "weights/sha256.h"

#include <gtest/gtest.h>

namespace sd {
using namespace weights;

namespace {

std::string digest(const std::string& text) { return sha256_of(text.data(), text.size()); }

// The examples of FIPS 180-4 and of NIST's test vectors.
TEST(Sha256, GivesTheKnownDigests) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, TakesPiecesOfAnySize) {
  const std::string text(1000, 'x');
  for (const size_t piece : {1U, 63U, 64U, 65U, 999U}) {
    Sha256 sum;
    for (size_t i = 0; i < text.size(); i += piece) {
      sum.update(text.data() + i, std::min(piece, text.size() - i));
    }
    EXPECT_EQ(sum.finish(), digest(text)) << piece;
  }
}

}  // namespace
}  // namespace sd
